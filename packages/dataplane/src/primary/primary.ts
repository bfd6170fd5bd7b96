/**
 * The primary thread's composition: configuration, engines, listeners, workers, backends' health, access log and admin
 * port, in the order in which they depend on each other.
 *
 * Lifecycle: `start` resolves when every worker is ready and sockets are accepted; `drain` lets connections end;
 * `close` stops everything and leaves no thread, timer, listener or descriptor. Both are idempotent.
 */

import { ExitCode, ExitError } from '@sluice/shared/cli/exit-codes';
import type { Logger } from '@sluice/shared/log';
import { openSnapshot } from '@sluice/shared/snapshot/view';
import type { Options } from '../cli/options.js';
import { VERSION } from '../cli/version.js';
import { type EngineIndex, loadNative, type Native } from '../engine/binding.js';
import type { ToWorker, WorkerTask } from '../worker/messages.js';
import { watchLag } from '../worker/meters.js';
import { AcceptPressure } from './accept-pressure.js';
import { type AcceptWatch, watchAccepting } from './accept-watch.js';
import { AccessLogWriter } from './access-log-writer.js';
import { type Admin, startAdmin } from './admin.js';
import { drain } from './drain.js';
import { createEngines } from './engines.js';
import { type HangWatch, watchForHangs } from './hang-watch.js';
import { Health } from './health.js';
import type { OpenBus } from './health-bus.js';
import { InForce } from './in-force.js';
import type { BoundListener } from './listeners.js';
import { type LogSink, openSink } from './log-sink.js';
import { MeterMemory } from './metrics/memory.js';
import type { MetricsSources } from './metrics/sources.js';
import type { Reload } from './reload.js';
import { type Revisions, Supervisor } from './supervisor.js';
import { workerTask } from './worker-tasks.js';

/** What the access log's last records may take. */
export const FLUSH_TIMEOUT_MS = 2000;

export interface PrimaryOptions {
  readonly options: Options;
  readonly log: Logger;
  /** With the first configuration. The primary closes it. */
  readonly reload: Reload;
  readonly openBus: OpenBus;
}

function loadEngine(): Native {
  try {
    return loadNative();
  } catch (error) {
    throw new ExitError(ExitCode.engine, `sluice: ${(error as Error).message}`, { cause: error });
  }
}

/** The access log's sink; undefined when there is none. Throws ExitError when it cannot be opened. */
function openAccessLog(target: string): LogSink | undefined {
  if (target === 'off') return undefined;
  try {
    return openSink(target);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new ExitError(ExitCode.usage, `sluice: cannot open the access log ${target} (${code})`, { cause: error });
  }
}

export class Primary {
  readonly #options: Options;
  readonly #log: Logger;
  readonly #native: Native;
  readonly #engines: readonly EngineIndex[];
  readonly #supervisor: Supervisor;
  readonly #reload: Reload;
  readonly #inForce: InForce;
  readonly #health: Health;
  readonly #pressure: AcceptPressure;
  readonly #writer: AccessLogWriter | undefined;
  readonly #sources: MetricsSources;
  #endLagWatch: (() => void) | undefined;
  #admin: Admin | undefined;
  #hangs: HangWatch | undefined;
  #accepting: AcceptWatch | undefined;
  #phase: 'starting' | 'serving' | 'draining' = 'starting';
  #drained: Promise<number> | undefined;
  #closed: Promise<void> | undefined;

  /** Binds everything; starts nothing yet. Throws ExitError. */
  constructor({ options, log, reload, openBus }: PrimaryOptions) {
    const first = reload.takeFirst();
    const sink = openAccessLog(options.accessLog);
    this.#options = options;
    this.#log = log;
    this.#reload = reload;
    this.#native = loadEngine();
    this.#engines = createEngines(this.#native, options);
    const [native, engines] = [this.#native, this.#engines];
    const memory = new MeterMemory(native, engines, openSnapshot(first.snapshot));
    this.#inForce = new InForce({ options, native, engines, log, memory, first });
    const post = (message: ToWorker): void => this.#supervisor?.tellAll(message);
    const seen = (what: keyof Revisions) => () => this.#supervisor.seen(what);
    const { services } = this.#inForce;
    const { probedServices } = first;
    this.#health = new Health({
      options,
      openBus,
      services,
      probedServices,
      native,
      engines,
      log,
      post,
      seen: seen('membership'),
    });
    this.#inForce.begin({ health: this.#health, post, seen: seen('configuration') });
    const isDraining = (): boolean => this.#phase === 'draining';
    const sources = { options, inForce: this.#inForce, engines, health: this.#health, memory, isDraining };
    this.#supervisor = this.#createSupervisor((worker) => workerTask(sources, worker));
    this.#pressure = new AcceptPressure(native, log, options.accessLogRingBytes);
    this.#writer = sink === undefined ? undefined : this.#createWriter(sink);
    this.#sources = this.#metricsSources(memory);
  }

  /** Where the Gateway listeners can be reached now. */
  get listeners(): readonly BoundListener[] {
    return this.#inForce.listeners;
  }

  get admin(): Admin | undefined {
    return this.#admin;
  }

  /** Starts the workers and, when all are ready, accepts. `faults` enables the fault endpoints.
   * Resolves with false when it was closed meanwhile. Rejects with ExitError. */
  async start(faults: boolean): Promise<boolean> {
    const { admin, workerHangTimeoutMs } = this.#options;
    const log = this.#log;
    const fault = faults ? this.#supervisor.fault.bind(this.#supervisor) : undefined;
    const sources = this.#sources;
    if (admin !== null)
      this.#admin = await startAdmin({ at: admin, log, reasons: () => this.reasons(), fault, sources });
    if (this.#phase !== 'starting') {
      await this.#admin?.close();
      return false;
    }
    this.#writer?.start();
    this.#endLagWatch = watchLag(sources.primaryLagUs);
    this.#hangs = watchForHangs(this.#native, this.#supervisor, workerHangTimeoutMs);
    this.#health.start();
    const [started] = await Promise.all([this.#supervisor.start(), this.#health.known()]);
    if (!started || this.#phase !== 'starting') return false;
    this.#phase = 'serving';
    this.#pressure.start();
    this.#health.serve();
    this.#accepting = watchAccepting(this.#native, this.#log);
    this.#reload.begin((compiled) => this.#inForce.apply(compiled), this.listeners);
    return true;
  }

  /** Why the process should get no traffic; empty when it should. */
  reasons(): readonly string[] {
    if (this.#phase === 'starting' && this.#health.waiting) return ['waiting for the first status table'];
    if (this.#phase !== 'serving') return [this.#phase];
    return this.#supervisor.liveWorkers === 0 ? ['no live worker'] : [];
  }

  reopenAccessLog(): void {
    this.#writer?.reopen();
  }

  /** Reads the configuration again. */
  reload(): void {
    this.#reload.request();
  }

  /** Stops accepting and waits for the open connections, up to the drain timeout. */
  drain(): Promise<number> {
    this.#phase = 'draining';
    void this.#endReloads();
    this.#pressure.stop();
    this.#supervisor.tellAll({ type: 'drain' });
    this.#drained ??= drain({
      native: this.#native,
      engines: this.#engines,
      timeoutMs: this.#options.drainTimeoutMs,
      onClosing: () => this.#writer?.hurry(),
    });
    return this.#drained;
  }

  /** Stops everything; what is still open ends with the process. */
  close(): Promise<void> {
    this.#phase = 'draining';
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#pressure.stop();
    const reloads = this.#endReloads();
    this.#native.acceptClose();
    this.#accepting?.close();
    this.#hangs?.close();
    this.#endLagWatch?.();
    await Promise.all([reloads, this.#supervisor.close(), this.#health.close()]);
    await this.#writer?.close(FLUSH_TIMEOUT_MS);
    await this.#admin?.close();
  }

  /** Nothing is bound from here on. */
  async #endReloads(): Promise<void> {
    this.#inForce.close();
    await this.#reload.close();
  }

  #createSupervisor(task: (worker: number) => Omit<WorkerTask, 'port'>): Supervisor {
    const onChange = (): void => {
      if (this.#phase === 'serving') this.#log.debug({ liveWorkers: this.#supervisor.liveWorkers }, 'workers changed');
    };
    const { workerHeapMiB } = this.#options;
    return new Supervisor({
      native: this.#native,
      engines: this.#engines,
      task,
      revisions: () => ({
        membership: this.#health.membership.revision,
        configuration: this.#inForce.told.revision,
      }),
      workerHeapMiB,
      log: this.#log,
      onChange,
      onSeen: () => this.#inForce.onSeen(),
    });
  }

  #metricsSources(memory: MeterMemory): MetricsSources {
    return {
      version: VERSION,
      native: this.#native,
      engines: this.#engines,
      memory,
      workers: this.#supervisor,
      health: this.#health.view,
      board: this.#health.board,
      reload: this.#reload,
      logWriteLosses: () => this.#writer?.writeLosses ?? 0,
      primaryLagUs: new Int32Array(1),
    };
  }

  #createWriter(sink: LogSink): AccessLogWriter {
    const pause = this.#options.accessLogWhenFull === 'pause';
    return new AccessLogWriter({
      native: this.#native,
      engines: this.#engines,
      ringBytes: this.#options.accessLogRingBytes,
      sink,
      log: this.#log,
      onBacklog: (bytes) => {
        if (pause) this.#pressure.update(bytes);
      },
    });
  }
}
