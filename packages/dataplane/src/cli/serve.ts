/**
 * `sluice serve`: the process around the primary: ready line, signals, last resorts, exit code.
 *
 * SIGTERM and SIGINT drain and end with 0; a second one ends at once. An exception that nothing caught drains too and
 * ends with 1. SIGHUP opens the access log again. Primary thread.
 */
import { createLogger, type Logger } from '@sluice/shared/log';
import { Primary } from '../primary/primary.js';
import { ExitCode, ExitError } from './exit-codes.js';
import type { Options } from './options.js';
import { VERSION } from './version.js';
import { writeText } from './write-text.js';

const SIGNALS = { SIGTERM: ExitCode.terminated, SIGINT: ExitCode.interrupted } as const;
type Signal = keyof typeof SIGNALS;
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
    process.exit(code);
  }, EXIT_GRACE_MS);
  late.unref();
}

/** Ends the process in order: once, whoever asks first; a second signal does not wait. */
class Shutdown {
  readonly #primary: Primary;
  readonly #log: Logger;
  #begun = false;

  constructor(primary: Primary, log: Logger) {
    this.#primary = primary;
    this.#log = log;
  }

  begin(code: ExitCode, reason: string): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#log.info({ reason }, 'draining');
    this.#end(code).catch((error: unknown) => {
      this.#log.fatal({ err: error }, 'shutdown failed');
      process.exit(ExitCode.internal);
    });
  }

  signal(signal: Signal): void {
    if (this.#begun) process.exit(SIGNALS[signal]);
    this.begin(ExitCode.ok, signal);
  }

  async #end(code: ExitCode): Promise<void> {
    const left = await this.#primary.drain();
    if (left > 0) this.#log.warn({ connections: left }, 'connections are still open after the drain');
    await this.#primary.close();
    this.#log.info('stopped');
    process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT').removeAllListeners('SIGHUP');
    leave(code, this.#log);
  }
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'EPIPE';
}

function handleProcessEvents(primary: Primary, shutdown: Shutdown, log: Logger): void {
  process.on('SIGTERM', () => shutdown.signal('SIGTERM'));
  process.on('SIGINT', () => shutdown.signal('SIGINT'));
  process.on('SIGHUP', () => primary.reopenAccessLog());
  process.on('uncaughtException', (error) => {
    // Nobody reads our output any more: no reason to stop serving.
    if (isBrokenPipe(error)) return;
    log.fatal({ err: error }, 'uncaught exception in the primary');
    shutdown.begin(ExitCode.internal, 'uncaught exception');
  });
}

/** Serves until a signal. Rejects with ExitError when it cannot start. */
export async function serve(options: Options): Promise<void> {
  const log = createLogger({ level: options.logLevel, name: 'primary' });
  const faults = process.env.SLUICE_FAULTS === '1';
  const primary = new Primary({ options, log });
  const shutdown = new Shutdown(primary, log);
  handleProcessEvents(primary, shutdown, log);
  let serving = false;
  try {
    serving = await primary.start(faults);
  } catch (error) {
    await primary.close();
    if (error instanceof ExitError) throw error;
    throw new ExitError(ExitCode.internal, `sluice: ${(error as Error).message}`, { cause: error });
  }
  if (serving) writeText(1, readyLine(primary, options.workers));
}
