/** The leading half of a daemon in a child process: elected, killed, stopped and woken up by a test. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RedisOptions } from '@sluice/shared/health/redis/options';
import { eventually } from './eventually.js';
import type { DaemonMessage } from './redis-daemon-main.js';

/** Compiled, because a child process of Node 20 runs no TypeScript. */
const CHILD = fileURLToPath(new URL('../dist/support/redis-daemon-main.js', import.meta.url));

type Elected = Extract<DaemonMessage, { type: 'elected' }>;

export class RedisDaemon {
  readonly child: ChildProcess;
  readonly elections: Elected[] = [];
  readonly depositions: string[] = [];

  constructor(
    options: RedisOptions,
    readonly identity: string,
  ) {
    this.child = fork(CHILD, [JSON.stringify(options), identity], { execArgv: [] });
    this.child.on('message', (message) => this.#take(message as DaemonMessage));
  }

  /** Its `count`th election. */
  async elected(count = 1, budgetMs = 15_000): Promise<Elected> {
    return eventually(
      () => {
        const election = this.elections[count - 1];
        if (election === undefined) throw new Error(`${this.identity} was elected ${this.elections.length} times`);
        return election;
      },
      { budgetMs },
    );
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends it in order: it gives its lease back. */
  async close(): Promise<void> {
    await this.#gone(() => this.child.send('close'));
  }

  async kill(): Promise<void> {
    await this.#gone(() => this.child.kill('SIGKILL'));
  }

  async #gone(end: () => void): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    end();
    await gone;
  }

  #take(message: DaemonMessage): void {
    if (message.type === 'elected') this.elections.push(message);
    else this.depositions.push(message.reason);
  }
}
