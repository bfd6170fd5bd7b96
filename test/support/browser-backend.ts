/**
 * The backend of a page in a browser: an empty page, a WebSocket echo, uploads, server-sent events and Socket.IO, on one
 * server of HTTP/1.1. It keeps how every WebSocket was asked for and how it was closed.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Server as SocketIo } from 'socket.io';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Address } from './raw-client.js';
import type { Closed } from './ws-backend.js';

interface Accepted {
  readonly socket: WebSocket;
  /** `GET HTTP/1.1 websocket`: method, version, Upgrade. */
  readonly asked: string;
  closed?: Closed;
}

export class BrowserBackend implements Address {
  /** By the request target of its handshake. */
  readonly accepted = new Map<string, Accepted>();
  /** The last open stream of events. */
  events: ServerResponse | undefined;
  readonly #http = createServer((request, response) => this.#answer(request, response));
  readonly #ws = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  readonly #io = new SocketIo(this.#http, { serveClient: true, destroyUpgrade: false });
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#http.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#http.on('upgrade', (request, socket, head) => {
      if (request.url?.startsWith('/ws') !== true) return;
      this.#ws.handleUpgrade(request, socket, head, (ws) => this.#echo(request, ws));
    });
    this.#io.on('connection', (socket) => {
      socket.on('echo', (value: unknown, answer: (value: unknown) => void) => answer(value));
    });
  }

  static async start(): Promise<BrowserBackend> {
    const backend = new BrowserBackend();
    backend.#http.listen(0, '127.0.0.1');
    await once(backend.#http, 'listening');
    return backend;
  }

  get address(): string {
    return '127.0.0.1';
  }
  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.url?.startsWith('/socket.io/') === true) return;
    if (request.url === '/events') {
      this.events = response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.flushHeaders();
    } else if (request.method === 'POST') {
      request.pipe(response);
    } else {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>page</title>');
    }
  }

  #echo(request: IncomingMessage, socket: WebSocket): void {
    const { method, httpVersion, url = '' } = request;
    const accepted: Accepted = { socket, asked: `${method} HTTP/${httpVersion} ${request.headers.upgrade}` };
    this.accepted.set(url, accepted);
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => {
      accepted.closed = { code, reason: reason.toString() };
    });
    socket.on('message', (data: RawData, binary) => socket.send(data as Buffer, { binary }));
  }

  /** Ends every connection, those kept alive by gateways too. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = this.#io.close();
    this.disconnect();
    await closed;
  }
}
