/**
 * A backend whose health a test decides: echoes WebSockets, answers plain requests with a status of the test's choice, and
 * can go down and come back on its port.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Address } from './raw-client.js';

export class HealthBackend implements Address {
  readonly address = '127.0.0.1';
  /** What a plain GET, the default probe, is answered with. */
  status: number;
  /** WebSockets opened so far; those of probes, which go to `/probe`, are counted apart. */
  opened = 0;
  probed = 0;
  #server: Server | undefined;
  #sockets: WebSocketServer | undefined;

  private constructor(
    readonly port: number,
    status: number,
  ) {
    this.status = status;
  }

  static async start(status = 200): Promise<HealthBackend> {
    const backend = new HealthBackend(await freePort(), status);
    await backend.up();
    return backend;
  }

  /** WebSockets that are open, without those of probes. */
  get open(): number {
    return [...(this.#sockets?.clients ?? [])].length;
  }

  async up(): Promise<void> {
    const server = createServer((_request, response) => {
      response.writeHead(this.status, { 'content-length': 0, connection: 'close' });
      response.end();
    });
    this.#sockets = new WebSocketServer({ server });
    this.#sockets.on('connection', (socket, request) => {
      if (request.url === '/probe') this.probed += 1;
      else this.opened += 1;
      socket.on('error', () => undefined);
      socket.on('message', (data, binary) => socket.send(data, { binary }));
    });
    server.listen(this.port, this.address);
    await once(server, 'listening');
    this.#server = server;
  }

  /** Listens no more; WebSockets stay open. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.close();
    server?.closeIdleConnections();
  }

  /** Goes down with all its connections. */
  async close(): Promise<void> {
    for (const socket of this.#sockets?.clients ?? []) socket.terminate();
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** A port below those that the kernel gives to outgoing connections: nobody takes it while the backend is down. */
async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const port = 10_000 + Math.floor(Math.random() * 8_000);
    if (await isFree(port)) return port;
  }
  throw new Error('no free port');
}

async function isFree(port: number): Promise<boolean> {
  const server = createTcpServer();
  const free = new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port === port));
  });
  if (!(await free)) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}
