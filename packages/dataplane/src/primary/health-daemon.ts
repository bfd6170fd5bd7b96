/**
 * The embedded health daemon: a child process that probes, and says what it found over its IPC channel.
 *
 * Invariant: while it is wanted there is one, or a start is scheduled. Its death is logged, makes the bus stale and
 * nothing else: no connection depends on it. It is in a session of its own, so that Ctrl-C reaches the gateway alone; it
 * ends when its channel ends, however this process ends, and one that hangs is killed then. What it is to probe is sent to
 * it: at its start, and whenever that changes, one message at a time and the newest only. Primary thread.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ConfigureRequest } from '@sluice/shared/health/ipc/requests';
import type { IpcSubscriber } from '@sluice/shared/health/ipc/subscriber';
import type { Logger } from '@sluice/shared/log';
import { failuresAfter, restartDelayMs } from './backoff.js';

const HEALTHD = fileURLToPath(new URL('../../../healthd/bin/healthd.js', import.meta.url));
/** How long the daemon may take to end by itself. */
export const DAEMON_STOP_TIMEOUT_MS = 2000;

export interface HealthDaemonOptions {
  /** Of `healthd`. */
  readonly args: readonly string[];
  readonly subscriber: Pick<IpcSubscriber, 'attach' | 'detach'>;
  readonly log: Logger;
  /** What it is to probe: `encodeProbedServices`. */
  readonly services: string;
}

/** Options come by flag: what was meant for this process must not reach the daemon. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_')));
}

export class HealthDaemon {
  readonly #options: Omit<HealthDaemonOptions, 'services'>;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;
  /** For `decodeProbedServices`. */
  #services: string;
  /** The services that the child does not have yet; undefined: it has the newest. */
  #unsent: string | undefined;
  #sending = false;
  /** A process that ends at once cannot wait for a daemon that hangs. */
  readonly #onExit = (): void => this.kill();
  /** Times that it was started again. */
  restarts = 0;

  constructor({ services, ...options }: HealthDaemonOptions) {
    this.#options = options;
    this.#services = services;
    process.once('exit', this.#onExit);
  }

  /** Never throws: a daemon that cannot be started is one that has died. */
  start(): void {
    if (this.#closed || this.#child !== undefined) return;
    const bornMs = performance.now();
    try {
      const child = fork(HEALTHD, this.#options.args, {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        detached: true,
        execArgv: [],
        env: environment(),
      });
      this.#child = child;
      this.#exited = new Promise((resolve) => {
        const ended = (reason: string): void => {
          if (this.#child !== child) return;
          resolve();
          this.#onDeath(reason, performance.now() - bornMs);
        };
        child.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
        child.on('error', (error) => {
          // Without a pid it has never run, and no `exit` follows.
          if (child.pid === undefined) ended(error.message);
          else this.#options.log.warn({ err: error }, 'a message to the health daemon was lost');
        });
      });
      if (child.pid === undefined) return;
      this.#sending = false;
      this.#unsent = this.#services;
      this.#sendServices();
      this.#options.subscriber.attach(child);
    } catch (error) {
      this.#onDeath((error as Error).message, performance.now() - bornMs);
    }
  }

  /** What it is to probe from now on, as `encodeProbedServices` says it; a daemon that is started later too. */
  configure(services: string): void {
    if (services === this.#services) return;
    this.#services = services;
    this.#unsent = services;
    this.#sendServices();
  }

  /** Its process; undefined while none runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Ends a daemon that says nothing any more; another one follows. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  /** Ends its channel, and it when it does not end by itself. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined) {
      process.off('exit', this.#onExit);
      return;
    }
    if (child.connected) child.disconnect();
    const late = setTimeout(() => {
      this.#options.log.warn({ daemon: child.pid }, 'the health daemon does not end; it is killed');
      child.kill('SIGKILL');
    }, DAEMON_STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(late);
    process.off('exit', this.#onExit);
  }

  /** A child that does not read gets one message and no second. A channel that ends says so by the child's death. */
  #sendServices(): void {
    const child = this.#child;
    const services = this.#unsent;
    if (child?.connected !== true || this.#sending || services === undefined) return;
    this.#unsent = undefined;
    this.#sending = true;
    child.send({ type: 'configure', services } satisfies ConfigureRequest, (error) => {
      if (child !== this.#child) return;
      this.#sending = false;
      if (error !== null) this.#options.log.warn({ err: error }, 'the health daemon could not be configured');
      this.#sendServices();
    });
  }

  #onDeath(reason: string, livedMs: number): void {
    this.#child = undefined;
    this.#options.subscriber.detach();
    if (this.#closed) return;
    this.#failures = failuresAfter(this.#failures, livedMs);
    const delayMs = restartDelayMs(this.#failures++);
    const detail = { reason, livedMs: Math.round(livedMs), restartInMs: delayMs };
    this.#options.log.error(detail, 'the health daemon died; the last statuses stay in use');
    this.#timer = setTimeout(() => {
      this.restarts += 1;
      this.start();
    }, delayMs);
  }
}
