/**
 * An address that answers no SYN: a listening socket whose thread never accepts and whose queue is full. Connects to it
 * hang, as they do towards a machine that is gone.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Address } from './raw-client.js';

const LISTEN_AND_BLOCK = `
const { parentPort } = require('node:worker_threads');
const server = require('node:net').createServer();
server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
});`;

/** How long an accepting address may take to accept, on this machine. */
const ACCEPTED_MS = 200;

export class Blackhole implements Address {
  readonly address = '127.0.0.1';

  private constructor(
    readonly worker: Worker,
    readonly port: number,
    readonly fillers: readonly Socket[],
  ) {}

  static async start(): Promise<Blackhole> {
    const worker = new Worker(LISTEN_AND_BLOCK, { eval: true });
    const [port] = (await once(worker, 'message')) as [number];
    const fillers: Socket[] = [];
    for (let accepted = true; accepted; ) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      fillers.push(socket);
      accepted = await Promise.race([once(socket, 'connect').then(() => true), delay(ACCEPTED_MS, false)]);
    }
    return new Blackhole(worker, port, fillers);
  }

  async close(): Promise<void> {
    for (const socket of this.fillers) {
      socket.destroy();
    }
    await this.worker.terminate();
  }
}
