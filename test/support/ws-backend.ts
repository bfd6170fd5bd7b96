/** A real WebSocket server (package ws) that echoes messages; keeps how each connection was closed. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RawData, type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import type { Address } from './raw-client.js';

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export class WsBackend implements Address {
  readonly closes: Closed[] = [];
  readonly sockets: WebSocket[] = [];
  pings = 0;

  private constructor(
    readonly server: WebSocketServer,
    readonly http: ReturnType<typeof createServer>,
    readonly address: string,
    readonly port: number,
  ) {
    server.on('connection', (socket, request) => this.#onConnection(socket, request.url ?? '/'));
  }

  static async start(options: ServerOptions = {}): Promise<WsBackend> {
    const http = createServer();
    const server = new WebSocketServer({ maxPayload: 256 * 1024 * 1024, ...options, server: http });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const { address, port } = http.address() as AddressInfo;
    return new WsBackend(server, http, address, port);
  }

  #onConnection(socket: WebSocket, url: string): void {
    this.sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('ping', () => {
      this.pings += 1;
    });
    socket.on('close', (code, reason) => this.closes.push({ code, reason: reason.toString() }));
    const query = new URL(url, 'http://backend').searchParams;
    const code = query.get('close');
    if (code !== null) {
      socket.close(Number(code), query.get('reason') ?? '');
      return;
    }
    socket.on('message', (data: RawData, binary) => socket.send(data as Buffer, { binary }));
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) {
      socket.terminate();
    }
    this.server.close();
    this.http.closeAllConnections();
    await new Promise<void>((resolve) => this.http.close(() => resolve()));
  }
}
