/**
 * The compiler of a process's configuration, as its main thread has it: asks a thread of its own.
 *
 * Invariant: whatever becomes of the thread (its heap is bounded, and so is its time) is a refused configuration and
 * nothing else; the next call has a new thread, which knows what the last configuration was. A thread that has nothing
 * to do for a while is ended: what reading has taken of memory is given back. Main thread.
 */
import { Worker } from 'node:worker_threads';
import { fileIssue } from '../resources/issue.js';
import type { CompilerThreadData, PreviousConfiguration } from './compile.js';
import type { CompileOutcome, ConfigurationCompiler } from './compiled.js';
import type { ConfigurationSource } from './source.js';

export interface CompilerOptions {
  readonly source: ConfigurationSource;
  /** For a health daemon: files of certificates that listeners show are not its own. */
  readonly forProbes?: boolean;
  /** JavaScript heap of the thread, MiB. */
  readonly heapMiB?: number;
  /** What one compilation may take. */
  readonly timeoutMs?: number;
  /** How long a thread waits for its next compilation. */
  readonly idleMs?: number;
}

/** The way from a chunk of a bundle too. */
const THREAD_FILE = new URL('../configuration/compiler-thread.js', import.meta.url);
const HEAP_MIB = 2048;
const TIMEOUT_MS = 60_000;
const IDLE_MS = 10_000;

export class ThreadCompiler implements ConfigurationCompiler {
  readonly #options: Required<CompilerOptions>;
  #thread: Worker | undefined;
  #previous: PreviousConfiguration | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: CompilerOptions) {
    this.#options = { forProbes: false, heapMiB: HEAP_MIB, timeoutMs: TIMEOUT_MS, idleMs: IDLE_MS, ...options };
  }

  compile(): Promise<CompileOutcome> {
    const outcome = this.#last.then(() => this.#compile());
    this.#last = outcome.catch(() => {});
    return outcome;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#end();
  }

  async #compile(): Promise<CompileOutcome> {
    if (this.#closed) return this.#refused('is not read any more: the process ends', 0);
    clearTimeout(this.#idle);
    const outcome = await this.#ask(this.#open());
    if (outcome.type === 'compiled') {
      const { version, snapshot, credentials } = outcome;
      this.#previous = { version, snapshot, credentials };
    }
    if (!this.#closed) this.#idle = setTimeout(() => void this.#end(), this.#options.idleMs).unref();
    return outcome;
  }

  /** Throws when no thread can be made. */
  #open(): Worker {
    if (this.#thread !== undefined) return this.#thread;
    const { source, forProbes, heapMiB } = this.#options;
    const workerData: CompilerThreadData = { source, forProbes, previous: this.#previous };
    const thread = new Worker(THREAD_FILE, { workerData, resourceLimits: { maxOldGenerationSizeMb: heapMiB } });
    // Between two questions its death concerns nobody.
    thread.on('error', () => {});
    thread.on('exit', () => {
      if (this.#thread === thread) this.#thread = undefined;
    });
    this.#thread = thread;
    return thread;
  }

  #ask(thread: Worker): Promise<CompileOutcome> {
    const beganMs = performance.now();
    return new Promise((resolve) => {
      let ended = 'the thread ended';
      const settle = (outcome: CompileOutcome): void => {
        clearTimeout(timer);
        thread.off('message', settle).off('error', onError).off('exit', onExit).unref();
        resolve(outcome);
      };
      const onError = ({ message }: Error): void => {
        ended = message;
      };
      const onExit = (): void => {
        const why = this.#closed ? 'is not read any more: the process ends' : `cannot be compiled: ${ended}`;
        settle(this.#refused(why, performance.now() - beganMs));
      };
      const timer = setTimeout(() => {
        ended = `it takes longer than ${this.#options.timeoutMs / 1000} s`;
        onExit();
        void this.#end();
      }, this.#options.timeoutMs);
      thread.on('message', settle).on('error', onError).on('exit', onExit).ref();
      thread.postMessage('compile');
    });
  }

  #refused(why: string, elapsedMs: number): CompileOutcome {
    const issues = [fileIssue(this.#options.source.paths.join(', '), why)];
    return { type: 'refused', issues, files: [], elapsedMs: Math.round(elapsedMs) };
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle);
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }
}
