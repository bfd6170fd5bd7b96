/**
 * One life of a worker: a Piscina pool of one thread that runs one long task.
 *
 * Invariant: `onDeath` is called once, after the thread has ended for good; only then has the native cleanup let go of
 * its engines, so only then may another thread take them. A pool is never used for a second life: after a failure
 * during bootstrap, Piscina starts no thread in it any more. Primary thread.
 */
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { ToPrimary, ToWorker, WorkerTask } from '../worker/messages.js';

const WORKER_FILE = fileURLToPath(new URL('../worker/main.js', import.meta.url));
export const STOP_TIMEOUT_MS = 1000;

/** Why a worker is dead. */
export interface Death {
  readonly name: string;
  readonly message: string;
  readonly code: string;
}

export interface IncarnationEvents {
  readonly onMessage: (message: ToPrimary) => void;
  readonly onDeath: (death: Death) => void;
}

function describe(cause: unknown): Death {
  if (!(cause instanceof Error)) return { name: 'Error', message: String(cause), code: '' };
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  return { name: cause.name, message: cause.message, code: String(code) };
}

export class Incarnation {
  readonly #pool: Piscina;
  readonly #port: MessagePort;
  readonly #died: Promise<void>;
  readonly #events: IncarnationEvents;
  #death: Death | undefined;

  constructor(task: Omit<WorkerTask, 'port'>, heapMiB: number, events: IncarnationEvents) {
    this.#events = events;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1.on('message', (message: ToPrimary) => events.onMessage(message));
    this.#pool = new Piscina({
      filename: WORKER_FILE,
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: heapMiB },
    });
    // The pool would put a thread in the place of a dead one, which nobody would use: a new life has a new pool.
    this.#pool.options.minThreads = 0;
    this.#pool.on('error', (error: Error) => this.#end(describe(error)));
    this.#died = this.#watchThread();
    const ended = this.#pool.run({ ...task, port: port2 }, { transferList: [port2] });
    ended.then(
      () => this.#end({ name: 'Error', message: 'the task has ended', code: '' }),
      (error: unknown) => this.#end(describe(error)),
    );
  }

  post(message: ToWorker): void {
    this.#port.postMessage(message);
  }

  /** Ends the thread wherever it is; the death that is reported has this cause. */
  terminate(message: string, code: string): void {
    this.#end({ name: 'Error', message, code });
  }

  /** Asks the worker to let go of its engines and to end, ends it when it does not. Resolves when it is dead. */
  async stop(): Promise<void> {
    this.post({ type: 'stop' });
    const timer = setTimeout(() => this.terminate('the worker did not stop in time', 'STOP_TIMEOUT'), STOP_TIMEOUT_MS);
    await this.#died;
    clearTimeout(timer);
  }

  #watchThread(): Promise<void> {
    return new Promise((resolve) => {
      this.#pool.threads[0]?.once('exit', (exitCode: number) => {
        // The task's rejection, which says more, comes first when there is one.
        setImmediate(() => {
          this.#end(describe(new Error(`the thread ended with code ${exitCode}`)));
          this.#port.close();
          resolve();
          this.#events.onDeath(this.#death as Death);
        });
      });
    });
  }

  /** The first cause is the one that counts. Destroying the pool ends the thread, if it is not ending already. */
  #end(death: Death): void {
    if (this.#death !== undefined) return;
    this.#death = death;
    void this.#pool.destroy();
  }
}
