/** A backend that a health daemon probes: answers as it is told, dies, hangs and comes back on the same port. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.js';
import type { BackendOrders, BackendReport } from './healthd-backend-child.js';
import type { Address } from './raw-client.js';

/** Compiled, because a child process of Node 20 runs no TypeScript. */
const CHILD = fileURLToPath(new URL('../dist/support/healthd-backend-child.js', import.meta.url));

export class ProbedBackend implements Address {
  #child: ChildProcess | undefined;
  port = 0;
  /** Requests to the process that runs now. */
  requests = 0;

  private constructor(readonly address: string) {}

  static async start(address = '127.0.0.1'): Promise<ProbedBackend> {
    const backend = new ProbedBackend(address);
    await backend.rise();
    return backend;
  }

  /** Starts it, again on the port that it had. */
  async rise(): Promise<void> {
    const child = fork(CHILD, [this.address, String(this.port)], { execArgv: [] });
    this.#child = child;
    this.requests = 0;
    const [first] = (await once(child, 'message')) as [BackendReport];
    if ('port' in first) this.port = first.port;
    child.on('message', (report: BackendReport) => {
      if ('requests' in report) this.requests = report.requests;
    });
  }

  answer(...statuses: number[]): void {
    this.#child?.send({ statuses } satisfies BackendOrders);
  }

  /** Takes connections into its backlog and answers nothing. */
  hang(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Waits for so many requests more. */
  async asked(times: number, budgetMs = 20_000): Promise<void> {
    const wanted = this.requests + times;
    await eventually(
      () => {
        if (this.requests < wanted) throw new Error(`${this.requests} requests, not ${wanted}`);
      },
      { budgetMs },
    );
  }

  /** Dies as in a crash; its port refuses from then on. */
  async close(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
