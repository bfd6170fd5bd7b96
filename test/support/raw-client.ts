/**
 * A TCP client that says exactly what a test tells it to: chosen bytes in chosen segments, half-close, reset, no
 * reading. Reads wait for events within a budget and, when it ends, say what had been received.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { within } from './eventually.js';
import { type ReceivedHead, splitHead, type UpgradeOptions, upgradeHead } from './heads.js';

export interface Address {
  readonly address: string;
  readonly port: number;
}
/** How the peer ended its direction of the stream. */
export type Outcome = 'fin' | 'reset';

const READ_BUDGET_MS = 10_000;

export class RawClient {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #outcome: Outcome | undefined;
  #waiter: (() => void) | undefined;
  #sink: ((chunk: Buffer) => void) | undefined;

  private constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#onEnd('fin'));
    socket.on('error', () => this.#onEnd('reset'));
    socket.on('close', () => this.#onEnd(this.#outcome ?? 'reset'));
  }

  static async connect(to: Address, localAddress?: string): Promise<RawClient> {
    const options = { host: to.address, port: to.port, allowHalfOpen: true };
    const socket = connect(localAddress === undefined ? options : { ...options, localAddress });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Over a socket that is connected already, of TLS for one. */
  static over(socket: Socket): RawClient {
    return new RawClient(socket);
  }

  /** Connects, sends one head and reads the answer's head. */
  static async request(to: Address, bytes: string | Buffer): Promise<{ client: RawClient; answer: ReceivedHead }> {
    const client = await RawClient.connect(to);
    await client.write(bytes);
    return { client, answer: await client.readHead() };
  }

  /** Connects and completes a WebSocket handshake; throws when the answer is not a 101. */
  static async upgrade(to: Address, options: UpgradeOptions = {}): Promise<RawClient> {
    const { client, answer } = await RawClient.request(to, upgradeHead(options));
    if (answer.status !== 101) {
      client.destroy();
      throw new Error(`the handshake was answered with:\n${answer.raw}`);
    }
    return client;
  }

  #onData(chunk: Buffer): void {
    if (this.#sink) {
      this.#sink(chunk);
      return;
    }
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#waiter?.();
  }

  #onEnd(outcome: Outcome): void {
    this.#outcome ??= outcome;
    this.#waiter?.();
  }

  /** Bytes received and not yet taken. */
  get buffered(): Buffer {
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  /** Resolves when the bytes have been handed to the kernel: with NODELAY, a segment of their own. */
  async write(bytes: string | Buffer): Promise<void> {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    await new Promise<void>((resolve, reject) => {
      this.socket.write(buffer, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Waits until `ready` says yes to the state of the connection. */
  async #until(ready: () => boolean, what: string, budgetMs = READ_BUDGET_MS): Promise<void> {
    const held = new Promise<void>((resolve) => {
      const check = () => ready() && resolve();
      this.#waiter = check;
      check();
    });
    await within(held, budgetMs, () => this.#describe(what));
    this.#waiter = undefined;
  }

  #describe(what: string): string {
    const seen = this.buffered.toString('latin1', 0, 400);
    return `waited for ${what}; received ${this.#bytes} bytes (${this.#outcome ?? 'still open'}): ${JSON.stringify(seen)}`;
  }

  #take(length: number): Buffer {
    const all = this.buffered;
    this.#chunks = [all.subarray(length)];
    this.#bytes = all.length - length;
    return all.subarray(0, length);
  }

  /** Exactly `length` bytes. */
  async read(length: number, budgetMs?: number): Promise<Buffer> {
    await this.#until(() => this.#bytes >= length || this.#outcome !== undefined, `${length} bytes`, budgetMs);
    if (this.#bytes < length) {
      throw new Error(this.#describe(`${length} bytes`));
    }
    return this.#take(length);
  }

  /** The next head, interim answers included. */
  async readHead(budgetMs?: number): Promise<ReceivedHead> {
    const complete = () => splitHead(this.buffered) !== undefined;
    await this.#until(() => complete() || this.#outcome !== undefined, 'a head', budgetMs);
    const split = splitHead(this.buffered);
    if (!split) {
      throw new Error(this.#describe('a head'));
    }
    this.#take(split.head.raw.length);
    return split.head;
  }

  /** Everything up to the peer's FIN. Throws on a reset. */
  async readToEnd(budgetMs?: number): Promise<Buffer> {
    await this.#until(() => this.#outcome !== undefined, 'the end of the stream', budgetMs);
    if (this.#outcome === 'reset') {
      throw new Error(this.#describe('FIN, got a reset'));
    }
    return this.#take(this.#bytes);
  }

  /** How the peer ended the stream. */
  async outcome(budgetMs?: number): Promise<Outcome> {
    await this.#until(() => this.#outcome !== undefined, 'the end of the connection', budgetMs);
    return this.#outcome ?? 'reset';
  }

  get ended(): boolean {
    return this.#outcome !== undefined;
  }

  /** From now on received bytes go to `sink` and are not kept. */
  consume(sink: (chunk: Buffer) => void): void {
    this.#sink = sink;
    const kept = this.#take(this.#bytes);
    if (kept.length > 0) {
      sink(kept);
    }
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Sends FIN; goes on reading. */
  end(): void {
    this.socket.end();
  }

  /** Sends RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }
}
