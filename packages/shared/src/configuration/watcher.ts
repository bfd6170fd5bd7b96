/**
 * Tells when the files of a configuration may have changed.
 *
 * Watches folders, never files: an editor's rename, a ConfigMap's symlink swap and a folder that comes back are all events
 * in a folder. Many events are one call: it comes when they have stopped for a moment, and while they do not stop, now
 * and then all the same. Events can be missed (a network file system sends none), so the files' stats are compared at an
 * interval too: a shorter one where the system has no watch left to give. Nothing here throws. Main thread.
 */
import { type FSWatcher, watch } from 'node:fs';
import type { Logger } from '../log.js';
import type { FileSignature } from '../resources/file-signature.js';
import { addFolders, concerns, type Folders, fileSignature, folderIdentity, signatureOf } from './folders.js';

export interface WatcherOptions {
  /** Files and folders. */
  readonly paths: readonly string[];
  /** They may say something else now. Told also about changes that were undone. */
  readonly onChange: () => void;
  readonly log: Pick<Logger, 'warn'>;
  /** Silence that ends a series of events. */
  readonly quietMs?: number;
  /** Between two looks at the files' stats, and where folders cannot be watched. */
  readonly lookMs?: number;
  readonly pollMs?: number;
}

const QUIET_MS = 100;
/** A series of events that does not end is told of after so many silences. */
const SERIES_MAX = 10;
const LOOK_MS = 10_000;
const POLL_MS = 1000;
/** Folders that are watched; beyond, their files are looked at. */
const FOLDERS_MAX = 256;
const ARM_ROUNDS_MAX = 4;

interface Watched {
  readonly handle: FSWatcher;
  /** A folder that was removed and made again has the same path and is another one. */
  readonly identity: string;
}

export class ConfigurationWatcher {
  readonly #options: Required<WatcherOptions>;
  readonly #watched = new Map<string, Watched>();
  /** Files that what is read has named. */
  #named: readonly string[] = [];
  #folders: Folders = new Map();
  #armed: Promise<void> = Promise.resolve();
  #signature = '';
  /** There are folders that cannot be watched: files are looked at more often. */
  #polling = false;
  #warned = false;
  #quiet: NodeJS.Timeout | undefined;
  #seriesMs = 0;
  #look: NodeJS.Timeout | undefined;
  #busy = false;
  #again = false;
  #closed = false;

  constructor(options: WatcherOptions) {
    this.#options = { quietMs: QUIET_MS, lookMs: LOOK_MS, pollMs: POLL_MS, ...options };
  }

  /** Resolves when every later change will be told. */
  async start(): Promise<void> {
    if (this.#options.paths.length === 0) return;
    await this.#arm();
    this.#signature = await signatureOf(this.#paths);
    this.#schedule();
  }

  /** Watches these files besides, and those of before no more. Tells of it when a new one has changed since it was read. */
  async follow(files: readonly FileSignature[]): Promise<void> {
    const known = new Set(this.#named);
    const added = files.filter(({ path }) => !known.has(path));
    if (this.#closed || (added.length === 0 && files.length === known.size)) return;
    this.#named = files.map(({ path }) => path);
    await this.#arm();
    this.#signature = await signatureOf(this.#paths);
    const now = await Promise.all(added.map(({ path }) => fileSignature(path)));
    if (added.some(({ signature }, at) => signature !== now[at])) this.#onEvent();
    if (this.#look === undefined) this.#schedule();
  }

  get #paths(): readonly string[] {
    return [...this.#options.paths, ...this.#named];
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#quiet);
    clearTimeout(this.#look);
    for (const { handle } of this.#watched.values()) handle.close();
    this.#watched.clear();
  }

  #schedule(): void {
    if (this.#closed) return;
    const { lookMs, pollMs } = this.#options;
    this.#look = setTimeout(() => void this.#lookAt(), this.#polling ? pollMs : lookMs).unref();
  }

  /** What events may have missed. */
  async #lookAt(): Promise<void> {
    await this.#arm();
    const signature = await signatureOf(this.#paths);
    if (signature !== this.#signature && !this.#closed) {
      this.#signature = signature;
      this.#onEvent();
    }
    this.#schedule();
  }

  #onEvent(): void {
    if (this.#closed) return;
    const nowMs = performance.now();
    if (this.#quiet === undefined) this.#seriesMs = nowMs;
    const { quietMs } = this.#options;
    const leftMs = this.#seriesMs + SERIES_MAX * quietMs - nowMs;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => void this.#tell(), Math.max(0, Math.min(quietMs, leftMs))).unref();
  }

  /** What is new is watched before it is told of: a change behind that is another event. */
  async #tell(): Promise<void> {
    this.#quiet = undefined;
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    await this.#arm();
    this.#signature = await signatureOf(this.#paths);
    this.#busy = false;
    if (this.#closed) return;
    this.#options.onChange();
    if (!this.#again) return;
    this.#again = false;
    this.#onEvent();
  }

  /** Watches the folders that count now, and no others. What turned while it looked is looked at again. */
  #arm(): Promise<void> {
    this.#armed = this.#armed.then(async () => {
      for (let round = 0; round < ARM_ROUNDS_MAX && (await this.#armOnce()); round++);
    });
    return this.#armed;
  }

  /** Whether something else is watched than before. */
  async #armOnce(): Promise<boolean> {
    const folders: Folders = new Map();
    for (const path of this.#paths) await addFolders(path, folders);
    const wanted = new Map<string, string>();
    for (const folder of [...folders.keys()].slice(0, FOLDERS_MAX)) {
      const identity = await folderIdentity(folder);
      if (identity !== undefined) wanted.set(folder, identity);
    }
    if (this.#closed) return false;
    this.#folders = folders;
    for (const [folder, { identity, handle }] of this.#watched) {
      if (wanted.get(folder) === identity) continue;
      this.#watched.delete(folder);
      handle.close();
    }
    this.#polling = folders.size > FOLDERS_MAX;
    const added = [...wanted].filter(([folder]) => !this.#watched.has(folder));
    for (const [folder, identity] of added) this.#watch(folder, identity);
    return added.length > 0;
  }

  #watch(folder: string, identity: string): void {
    try {
      const handle = watch(folder, { persistent: false }, (_, name) => {
        if (concerns(this.#folders, folder, name)) this.#onEvent();
      });
      handle.on('error', (error) => this.#failed(folder, error));
      this.#watched.set(folder, { handle, identity });
    } catch (error) {
      this.#failed(folder, error as Error);
    }
  }

  #failed(folder: string, error: NodeJS.ErrnoException): void {
    this.#watched.get(folder)?.handle.close();
    this.#watched.delete(folder);
    // Gone between two questions: its parent says so too.
    if (this.#closed || error.code === 'ENOENT') return;
    this.#polling = true;
    if (this.#warned) return;
    this.#warned = true;
    const { log, pollMs } = this.#options;
    log.warn(
      { err: error, folder, everyMs: pollMs },
      'a folder of the configuration cannot be watched; its files are looked at',
    );
  }
}
