/**
 * The one backend of the tests: a raw TCP server that does the RFC 6455 handshake by itself, echoes the stream's
 * bytes and misbehaves when the request asks for it (`/echo?fault=wrong-accept`). It keeps what it received.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { eventually } from './eventually.js';
import { Exchange, type Fault } from './exchange.js';
import { answer } from './faults/answers.js';
import { handshakeFaults } from './faults/handshakes.js';
import { streamFaults } from './faults/streams.js';
import { type Field, type ReceivedHead, splitHead } from './heads.js';
import type { Address } from './raw-client.js';

const faults: Readonly<Record<string, Fault>> = { answer, ...handshakeFaults, ...streamFaults };

function accept(exchange: Exchange): void {
  exchange.send(exchange.switching());
  exchange.echo();
}

export interface EchoBackendOptions {
  readonly address?: string;
  /** Any free one when absent. */
  readonly port?: number;
  /** Used for every request that names no fault of its own. */
  readonly fault?: string;
  /** Keep the exchanges (default); off for load. */
  readonly record?: boolean;
  /** Added to every 101 and to every `?fault=answer`. */
  readonly fields?: readonly Field[];
}

export class EchoBackend implements Address {
  readonly exchanges: Exchange[] = [];
  /** Connections accepted, requests read. */
  accepted = 0;
  requests = 0;
  readonly #sockets = new Set<Socket>();

  private constructor(
    readonly server: Server,
    readonly address: string,
    readonly port: number,
    readonly options: EchoBackendOptions,
  ) {
    server.on('connection', (socket) => this.#onConnection(socket));
  }

  static async start(options: EchoBackendOptions = {}): Promise<EchoBackend> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen({ host: options.address ?? '127.0.0.1', port: options.port ?? 0, backlog: 4_096 });
    await once(server, 'listening');
    const { address, port } = server.address() as AddressInfo;
    return new EchoBackend(server, address, port, options);
  }

  /** Connections open now. */
  get open(): number {
    return this.#sockets.size;
  }

  #onConnection(socket: Socket): void {
    this.accepted += 1;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let bytes: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const split = splitHead(bytes);
      if (split) {
        socket.off('data', onData);
        socket.pause();
        this.#onRequest(new Exchange(socket, split.head, split.rest, this.options.fields));
      }
    };
    socket.on('data', onData);
    socket.on('end', () => bytes.length === 0 && socket.end());
  }

  #onRequest(exchange: Exchange): void {
    this.requests += 1;
    if (this.options.record !== false) {
      this.exchanges.push(exchange);
    }
    const name = exchange.query.get('fault') ?? this.options.fault;
    const fault = name === undefined ? accept : faults[name];
    if (!fault) {
      throw new Error(`no such fault: ${name}`);
    }
    if (name !== 'sink' && name !== 'stop-reading' && name !== 'flood') {
      // These three end in their own way; every other backend has nothing more to say than its peer.
      exchange.socket.on('end', () => exchange.socket.end());
    }
    fault(exchange);
    exchange.socket.resume();
    if (name === 'stop-reading') {
      exchange.socket.pause();
    }
  }

  /** The exchange whose request target contains `part`; waits for it. */
  async exchange(part = ''): Promise<Exchange> {
    return await eventually(() => {
      const found = this.exchanges.find((exchange) => exchange.request.target.includes(part));
      if (!found) {
        throw new Error(`no request for ${part}; got ${this.exchanges.map((e) => e.request.target).join(' ')}`);
      }
      return found;
    });
  }

  /** The head of the request whose target contains `part`. */
  async request(part = ''): Promise<ReceivedHead> {
    return (await this.exchange(part)).request;
  }

  /** Stops listening: the port refuses from now on. Open connections stay. */
  async refuse(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    if (this.open === 0) {
      await closed;
    }
  }

  async close(): Promise<void> {
    const closed = this.server.listening
      ? new Promise<void>((resolve) => this.server.close(() => resolve()))
      : undefined;
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await closed;
  }
}

/** An address of this machine where nobody listens: bound once and closed again. */
export async function refusingAddress(address = '127.0.0.1'): Promise<Address> {
  const backend = await EchoBackend.start({ address });
  const { port } = backend;
  await backend.close();
  return { address, port };
}
