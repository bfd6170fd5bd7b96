/** The echo backend in a child process: started, asked and ended from a test. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ChildMessage, ChildQuestion } from './backend-child.js';
import type { Address } from './raw-client.js';

/** Compiled, because a child process of Node 20 runs no TypeScript. */
const CHILD = fileURLToPath(new URL('../dist/support/backend-child.js', import.meta.url));

export class BackendProcess implements Address {
  private constructor(
    readonly child: ChildProcess,
    readonly address: string,
    readonly port: number,
  ) {}

  /** `port`: the one to listen on; any free one when absent. */
  static async start({ port = 0 }: { port?: number } = {}): Promise<BackendProcess> {
    const child = fork(CHILD, [String(port)], { execArgv: [] });
    const [message] = (await once(child, 'message')) as [ChildMessage];
    if (!('port' in message)) {
      throw new Error('the backend process said something else than its address');
    }
    return new BackendProcess(child, message.address, message.port);
  }

  /** Connections that the backend holds now. */
  async open(): Promise<number> {
    const answer = once(this.child, 'message') as Promise<[ChildMessage]>;
    this.child.send('count' satisfies ChildQuestion);
    const [message] = await answer;
    return 'open' in message ? message.open : Number.NaN;
  }

  async close(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.disconnect();
    await ended;
  }
}
