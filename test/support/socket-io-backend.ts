/** A real Socket.IO server (package socket.io): `echo` answers with what it got, `who` with its name, `say` goes to all. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Server } from 'socket.io';
import type { Address } from './raw-client.js';

export class SocketIoBackend implements Address {
  /** Clients that it has had. */
  connections = 0;
  readonly #sockets = new Set<Socket>();

  private constructor(
    readonly name: string,
    readonly http: ReturnType<typeof createServer>,
    readonly io: Server,
    readonly address: string,
    readonly port: number,
  ) {
    http.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    io.on('connection', (socket) => {
      this.connections += 1;
      socket.on('echo', (value: unknown, answer: (value: unknown) => void) => answer(value));
      socket.on('who', (answer: (name: string) => void) => answer(this.name));
      socket.on('say', (value: unknown) => io.emit('said', value));
    });
  }

  /** `path` is where its clients ask, `/socket.io` for one. */
  static async start(name: string, path: string): Promise<SocketIoBackend> {
    const http = createServer();
    const io = new Server(http, { path });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const { address, port } = http.address() as AddressInfo;
    return new SocketIoBackend(name, http, io, address, port);
  }

  /** As a process that dies: its connections are reset and the port refuses. */
  die(): void {
    this.http.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Ends every connection, those kept alive by gateways too. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = this.io.close();
    this.disconnect();
    await closed;
  }
}
