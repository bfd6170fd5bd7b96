/** A server of server-sent events: the test says what goes out, on every open stream, and when streams end. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './eventually.js';
import type { Address } from './raw-client.js';

export class EventBackend implements Address {
  /** `Last-Event-ID` of every request so far, '' where there was none. */
  readonly asked: string[] = [];
  readonly #open = new Set<ServerResponse>();

  private constructor(
    readonly server: Server,
    readonly address: string,
    readonly port: number,
  ) {
    server.on('request', (request, response: ServerResponse) => {
      this.asked.push(String(request.headers['last-event-id'] ?? ''));
      this.#open.add(response);
      response.on('close', () => this.#open.delete(response));
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      response.write('retry: 10\n\n');
    });
  }

  static async start(): Promise<EventBackend> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { address, port } = server.address() as AddressInfo;
    return new EventBackend(server, address, port);
  }

  get open(): number {
    return this.#open.size;
  }

  /** Waits until so many streams are open. */
  async streaming(count = 1): Promise<void> {
    await eventually(() => {
      if (this.open !== count) throw new Error(`${this.open} streams are open, not ${count}`);
    });
  }

  send(id: number | string, data: string): void {
    for (const response of this.#open) response.write(`id: ${id}\ndata: ${data}\n\n`);
  }

  /** Half an event, and the end of the connection. */
  cut(data: string): void {
    for (const response of this.#open) response.write(`data: ${data}`, () => response.socket?.resetAndDestroy());
  }

  /** Ends every stream in order. */
  end(): void {
    for (const response of this.#open) response.end();
  }

  /** Ends every connection, those kept alive by gateways too. */
  disconnect(): void {
    this.server.closeAllConnections();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.disconnect();
    await closed;
  }
}
