/**
 * `sluice serve`: the process around the primary: ready line, signals, last resorts, exit code.
 *
 * SIGTERM and SIGINT drain and end with 0; a second one ends at once. An exception that nothing caught drains too and
 * ends with 1, also in a drain that has begun. A shutdown has a deadline as a whole. SIGHUP opens the access log again, and
 * reads the configuration again.
 * Primary thread.
 */

import { ExitCode, ExitError } from '@sluice/shared/cli/exit-codes';
import type { EndSignal, Signals } from '@sluice/shared/cli/signals';
import { writeText } from '@sluice/shared/cli/write-text';
import { createLogger, type Logger } from '@sluice/shared/log';
import { CLOSING_MAX_MS } from '../primary/drain.js';
import { loadBus } from '../primary/health-bus.js';
import { DAEMON_STOP_TIMEOUT_MS } from '../primary/health-daemon.js';
import { STOP_TIMEOUT_MS } from '../primary/incarnation.js';
import { openReload } from '../primary/open-reload.js';
import { FLUSH_TIMEOUT_MS, Primary, type PrimaryOptions } from '../primary/primary.js';
import { sparingly } from '../worker/error-report.js';
import type { Options } from './options.js';
import { VERSION } from './version.js';

const SECOND_SIGNAL = { SIGTERM: ExitCode.terminated, SIGINT: ExitCode.interrupted } as const;
/** What a shutdown may take beside the drain timeout: each of its steps has its own bound, this is for all of them. */
const SHUTDOWN_MS = CLOSING_MAX_MS + Math.max(STOP_TIMEOUT_MS, DAEMON_STOP_TIMEOUT_MS) + FLUSH_TIMEOUT_MS + 2000;
/** The process ends by itself when nothing is left to do; whatever still holds it after this is a bug, and is said. */
const EXIT_GRACE_MS = 500;

function readyLine(primary: Primary, workers: number): string {
  const { admin, listeners } = primary;
  const adminAt = admin === undefined ? null : { address: admin.address, port: admin.port };
  const { pid } = process;
  return `${JSON.stringify({ event: 'ready', version: VERSION, pid, listeners, admin: adminAt, workers })}\n`;
}

/** Ends the process with `code`, by itself when it can. */
function leave(code: ExitCode, log: Logger): void {
  process.exitCode = code;
  const late = setTimeout(() => {
    log.warn({ resources: process.getActiveResourcesInfo() }, 'something keeps the process; it is ended');
    process.exit();
  }, EXIT_GRACE_MS);
  late.unref();
}

interface Ending {
  readonly primary: Primary;
  readonly log: Logger;
  readonly signals: Signals;
  readonly drainTimeoutMs: number;
}

/** Ends the process in order: once, whoever asks first, with the worst code; a second signal does not wait. */
class Shutdown {
  readonly #ending: Ending;
  #code: ExitCode | undefined;

  constructor(ending: Ending) {
    this.#ending = ending;
  }

  begin(code: ExitCode, reason: string): void {
    const begun = this.#code !== undefined;
    if (code !== ExitCode.ok || !begun) this.#code = code;
    if (begun) {
      if (process.exitCode !== undefined && code !== ExitCode.ok) process.exitCode = code;
      return;
    }
    const { drainTimeoutMs, log } = this.#ending;
    log.info({ reason }, 'draining');
    setTimeout(() => this.#giveUp(), drainTimeoutMs + SHUTDOWN_MS).unref();
    this.#end().catch((error: unknown) => {
      log.fatal({ err: error }, 'shutdown failed');
      process.exit(ExitCode.internal);
    });
  }

  signal(signal: EndSignal): void {
    if (this.#code !== undefined) process.exit(SECOND_SIGNAL[signal]);
    this.begin(ExitCode.ok, signal);
  }

  #giveUp(): void {
    this.#ending.log.error('the shutdown takes too long; the process is ended');
    process.exit(this.#code);
  }

  async #end(): Promise<void> {
    const { primary, log, signals } = this.#ending;
    const left = await primary.drain();
    if (left > 0) log.warn({ connections: left }, 'connections are still open after the drain');
    await primary.close();
    log.info('stopped');
    signals.close();
    leave(this.#code ?? ExitCode.ok, log);
  }
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'EPIPE';
}

function handleProcessEvents(primary: Primary, shutdown: Shutdown, signals: Signals, log: Logger): void {
  const reopen = (): void => {
    primary.reopenAccessLog();
    primary.reload();
  };
  signals.handle({ end: (signal) => shutdown.signal(signal), reopen });
  const report = sparingly((error, suppressed) => {
    log.fatal({ err: error, suppressed }, 'uncaught exception in the primary');
  });
  process.on('uncaughtException', (error) => {
    // Nobody reads our output any more: no reason to stop serving.
    if (isBrokenPipe(error)) return;
    report(error);
    shutdown.begin(ExitCode.internal, 'uncaught exception');
  });
}

async function createPrimary(options: PrimaryOptions): Promise<Primary> {
  try {
    return new Primary(options);
  } catch (error) {
    await options.reload.close();
    throw error;
  }
}

/** Serves until a signal, also one that has come already. Rejects with ExitError when it cannot start. */
export async function serve(options: Options, signals: Signals): Promise<void> {
  const { drainTimeoutMs, logLevel, workers } = options;
  const log = createLogger({ level: logLevel, name: 'primary' });
  if (signals.early !== undefined) return;
  const faults = process.env.SLUICE_FAULTS === '1';
  // What the configuration is read from may never end: standard input, a FIFO.
  const opened = await Promise.race([Promise.all([openReload(options, log), loadBus(options)]), signals.ended]);
  if (opened === undefined || signals.early !== undefined) process.exit(ExitCode.ok);
  const [reload, openBus] = opened;
  const primary = await createPrimary({ options, log, reload, openBus });
  const shutdown = new Shutdown({ primary, log, signals, drainTimeoutMs });
  handleProcessEvents(primary, shutdown, signals, log);
  let serving = false;
  try {
    serving = await primary.start(faults);
  } catch (error) {
    await primary.close();
    if (error instanceof ExitError) throw error;
    throw new ExitError(ExitCode.internal, `sluice: ${(error as Error).message}`, { cause: error });
  }
  if (serving) writeText(1, readyLine(primary, workers));
}
