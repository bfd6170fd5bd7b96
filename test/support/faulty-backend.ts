/** A backend that does to plain requests what their path asks for (faults/requests.ts), over TCP or TLS. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer, type TlsOptions } from 'node:tls';
import { requestFaults } from './faults/requests.js';
import { splitHead } from './heads.js';
import type { Address } from './raw-client.js';

export class FaultyBackend implements Address {
  readonly #open = new Set<Socket>();
  /** Below TLS, by the port of the peer. */
  readonly #raw = new Map<number | undefined, Socket>();
  readonly #pauseMs: number;

  private constructor(
    readonly server: Server,
    pauseMs: number,
  ) {
    this.#pauseMs = pauseMs;
  }

  /** `pauseMs`: between the pieces of what comes slowly. `tls`: with it, over TLS. */
  static async start(pauseMs: number, tls?: TlsOptions): Promise<FaultyBackend> {
    const serve = (socket: Socket) => backend.#serve(socket);
    const server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
    const backend = new FaultyBackend(server, pauseMs);
    server.on('connection', (socket: Socket) => backend.#accept(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return backend;
  }

  get address(): string {
    return '127.0.0.1';
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  #accept(socket: Socket): void {
    const { remotePort } = socket;
    this.#raw.set(remotePort, socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#raw.delete(remotePort));
  }

  #serve(socket: Socket): void {
    let received = Buffer.alloc(0);
    this.#open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#open.delete(socket));
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      const split = splitHead(received);
      if (split === undefined) return;
      received = Buffer.alloc(0);
      const name = split.head.target.slice(1).split('?')[0] ?? '';
      const reset = () => this.#raw.get(socket.remotePort)?.resetAndDestroy();
      void requestFaults[name]?.({ socket, reset, pauseMs: this.#pauseMs });
    });
  }

  /** Ends the connections of gateways, which would keep them for some seconds more. */
  closeIdle(): void {
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.closeIdle();
    await closed;
  }
}
