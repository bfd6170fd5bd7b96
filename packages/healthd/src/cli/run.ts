/**
 * `healthd` as a process around the daemon: ready line, signals, last resorts, exit code.
 *
 * SIGTERM and SIGINT give the lease back and end with 0; a second one ends at once. SIGHUP reads the configuration again.
 * Embedded, signals mean nothing: the parent gets them too and decides, it says what to probe, and the end of its channel
 * is the end of this process. After an exception that
 * nothing caught the state is not to be trusted: the process ends with 1 and is started again.
 */
import { hostname } from 'node:os';
import type { Admin } from '@sluice/shared/admin/server';
import { ExitCode, ExitError } from '@sluice/shared/cli/exit-codes';
import type { EndSignal, Signals } from '@sluice/shared/cli/signals';
import { writeText } from '@sluice/shared/cli/write-text';
import type { BusPublisher } from '@sluice/shared/health/bus';
import { createIpcPublisher, type ParentChannel } from '@sluice/shared/health/ipc/publisher';
import { createLogger, type Logger } from '@sluice/shared/log';
import { type AdminSources, startAdmin } from '../admin.js';
import { Daemon } from '../daemon.js';
import { createHealthdMetrics } from '../metrics.js';
import { createProbe } from '../probes/create-probe.js';
import { type Bus, busOf } from './command-line.js';
import { FileServices } from './file-services.js';
import type { Options } from './options.js';
import { ParentServices, type ServicesSource } from './services-source.js';
import { VERSION } from './version.js';

const SECOND_SIGNAL = { SIGTERM: ExitCode.terminated, SIGINT: ExitCode.interrupted } as const;
/** Giving the lease back may take so long; it runs out by itself a moment later anyway. */
const CLOSE_MAX_MS = 3000;

/** `channel`: to the parent of an embedded daemon, which does without the client of Redis. */
async function createPublisher(bus: Bus, channel: ParentChannel, log: Logger): Promise<BusPublisher> {
  const identity = `${hostname()}/${process.pid}`;
  if (bus.type === 'ipc') return createIpcPublisher(log, identity, channel);
  const { createRedisPublisher } = await import('@sluice/shared/health/redis/publisher');
  try {
    return createRedisPublisher(bus.redis, log, identity);
  } catch (error) {
    throw new ExitError(ExitCode.usage, `healthd: ${(error as Error).message}`, { cause: error });
  }
}

/** Ends the process in order, once; a second signal does not wait. */
class Ending {
  readonly #log: Logger;
  readonly #daemon: Daemon;
  readonly #source: ServicesSource;
  admin: Admin | undefined;
  #begun = false;

  get begun(): boolean {
    return this.#begun;
  }

  constructor(log: Logger, daemon: Daemon, source: ServicesSource) {
    this.#log = log;
    this.#daemon = daemon;
    this.#source = source;
  }

  begin(reason: string): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#log.info({ reason }, 'ending');
    setTimeout(() => {
      this.#log.warn('giving the lease back takes too long; the process is ended');
      process.exit(ExitCode.ok);
    }, CLOSE_MAX_MS);
    this.#close().catch((error: unknown) => fail(this.#log, error));
  }

  signal(signal: EndSignal): void {
    if (this.#begun) process.exit(SECOND_SIGNAL[signal]);
    this.begin(signal);
  }

  async #close(): Promise<void> {
    await this.#source.close();
    await this.#daemon.close();
    await this.admin?.close();
    this.#log.info('stopped');
    // Not by itself: a lookup that no name server answers would keep the process.
    process.exit(ExitCode.ok);
  }
}

function fail(log: Logger, error: unknown): void {
  log.fatal({ err: error }, 'uncaught exception');
  process.exit(ExitCode.internal);
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'EPIPE';
}

function handleProcessEvents(bus: Bus, ending: Ending, reload: () => void, signals: Signals, log: Logger): void {
  // Nobody reads our log any more: no reason to stop.
  process.on('uncaughtException', (error) => isBrokenPipe(error) || fail(log, error));
  if (bus.type === 'redis') {
    signals.handle({ end: (signal) => ending.signal(signal), reopen: reload });
    return;
  }
  process.on('disconnect', () => ending.begin('the parent has ended the channel'));
  if (!process.connected) ending.begin('the parent has ended the channel');
}

/** The admin port, if there is to be one. Embedded, the statuses matter more than it: without the port they go on. */
async function openAdmin(
  bus: Bus,
  at: Options['admin'],
  sources: AdminSources,
  log: Logger,
): Promise<Admin | undefined> {
  if (at === null) return undefined;
  try {
    return await startAdmin(at, sources, log);
  } catch (error) {
    if (bus.type === 'redis') throw error;
    log.error((error as Error).message);
    return undefined;
  }
}

/** Runs until it is told to end. Rejects with ExitError when it cannot start. */
export async function run(options: Options, signals: Signals): Promise<void> {
  const { config, watch, logLevel, resolveIntervalMs, probesMax } = options;
  // Whether there was a channel at the start: it may have ended already, which is no mistake in the options.
  const bus = busOf(options, process.send !== undefined);
  const log = createLogger({ level: logLevel, name: 'healthd' });
  const parent = bus.type === 'ipc' ? new ParentServices(log) : undefined;
  const source = parent ?? new FileServices({ paths: config, watch, log });
  const publisher = await createPublisher(bus, parent?.channel ?? process, log);
  const metrics = createHealthdMetrics({
    version: VERSION,
    services: () => daemon.services,
    endpoints: () =>
      daemon.registry
        .byService()
        .flatMap(({ service, endpoints }) => endpoints.map(({ status }) => ({ service, status }))),
    publisher,
    probesRunning: () => daemon.running,
    configuration: () => source.state,
  });
  const daemon = new Daemon({ log, publisher, createProbe, resolveIntervalMs, probesMax, observer: metrics });
  const ending = new Ending(log, daemon, source);
  if (bus.type === 'ipc') handleProcessEvents(bus, ending, () => {}, signals, log);
  const services = await source.first();
  if (bus.type === 'redis' && signals.early !== undefined) return await source.close();
  if (bus.type === 'redis') handleProcessEvents(bus, ending, () => source.reload(), signals, log);
  ending.admin = await openAdmin(bus, options.admin, { daemon, publisher, metrics }, log);
  const started = daemon.start(services);
  source.follow((changed) => daemon.update(changed));
  await started;
  if (ending.begun) return;
  const { admin } = ending;
  const adminAt = admin === undefined ? null : { address: admin.address, port: admin.port };
  const ready = {
    event: 'ready',
    version: VERSION,
    pid: process.pid,
    admin: adminAt,
    services: daemon.services.length,
  };
  if (bus.type === 'redis') writeText(1, `${JSON.stringify(ready)}\n`);
}
