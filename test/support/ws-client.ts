/** A real WebSocket client (package ws) with promises instead of events. */
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { type ClientOptions, type RawData, WebSocket } from 'ws';
import { within } from './eventually.js';
import type { Address } from './raw-client.js';
import type { Closed } from './ws-backend.js';

export interface Message {
  readonly data: Buffer;
  readonly binary: boolean;
}
export interface WsClientOptions extends ClientOptions {
  readonly path?: string;
  readonly protocols?: string[];
  /** wss:// */
  readonly secure?: boolean;
}

const BUDGET_MS = 30_000;

export class WsClient {
  readonly #messages: Message[] = [];
  #waiter: (() => void) | undefined;
  readonly closed: Promise<Closed>;
  responseHeaders: IncomingHttpHeaders = {};

  private constructor(readonly socket: WebSocket) {
    socket.on('upgrade', (response) => {
      this.responseHeaders = response.headers;
    });
    socket.on('message', (data: RawData, binary) => {
      this.#messages.push({ data: data as Buffer, binary });
      this.#waiter?.();
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  static async connect(to: Address, options: WsClientOptions = {}): Promise<WsClient> {
    const { path = '/echo', protocols = [], secure = false, ...rest } = options;
    const url = `${secure ? 'wss' : 'ws'}://${to.address}:${to.port}${path}`;
    const client = new WsClient(
      new WebSocket(url, protocols, { headers: { host: 'test.local' }, maxPayload: 256 * 1024 * 1024, ...rest }),
    );
    await once(client.socket, 'open');
    client.socket.on('error', () => undefined);
    return client;
  }

  /** The next message. */
  async next(): Promise<Message> {
    const arrived = new Promise<void>((resolve) => {
      this.#waiter = resolve;
      if (this.#messages.length > 0) {
        resolve();
      }
    });
    await within(arrived, BUDGET_MS, () => 'no message came');
    this.#waiter = undefined;
    return this.#messages.shift() as Message;
  }

  async echo(data: string | Buffer): Promise<Message> {
    this.socket.send(data);
    return await this.next();
  }

  async ping(data: string): Promise<string> {
    const pong = once(this.socket, 'pong') as Promise<[Buffer]>;
    this.socket.ping(data);
    return (await within(pong, BUDGET_MS, () => 'no pong came'))[0].toString();
  }

  async close(code = 1000, reason = ''): Promise<Closed> {
    this.socket.close(code, reason);
    return await within(this.closed, BUDGET_MS, () => 'the connection did not close');
  }
}
