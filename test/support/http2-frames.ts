/**
 * HTTP/2 frame by frame, for clients that are not polite: what a test says goes out as it is, what comes is parsed.
 *
 * Heads are written as literals without Huffman coding (RFC 7541 6.2.2), so that no table is needed.
 */
import { within } from './eventually.js';
import { type Address, RawClient } from './raw-client.js';

export const Frame = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;
export const Flag = { endStream: 1, ack: 1, endHeaders: 4 } as const;
/** Error codes (RFC 9113 7). */
export const Code = { none: 0, protocol: 1, internal: 2, flowControl: 3, frameSize: 6, cancel: 8, calm: 11 } as const;
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export type Pairs = readonly (readonly [name: string, value: string])[];

export interface ReceivedFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload as string, 'latin1');
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

export const EMPTY_SETTINGS = frame(Frame.settings, 0, 0);

export function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const length = [Math.min(127, bytes.length)];
  for (let rest = bytes.length - 127; rest >= 0; ) {
    length.push(rest >= 128 ? (rest % 128) + 128 : rest);
    rest = rest >= 128 ? Math.floor(rest / 128) : -1;
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** A header block. */
export function block(pairs: Pairs): Buffer {
  return Buffer.concat(pairs.flatMap(([name, value]) => [Buffer.of(0), literal(name), literal(value)]));
}

/** The pseudo-fields of a request, and what is beside them. */
export function requestPairs(path: string, more: Pairs = [], method = 'GET'): Pairs {
  return [[':method', method], [':scheme', 'http'], [':path', path], [':authority', 'test.local'], ...more];
}

/** Of an extended CONNECT. */
export function webSocketPairs(path: string, more: Pairs = []): Pairs {
  const version = ['sec-websocket-version', '13'] as const;
  return [[':protocol', 'websocket'], ...requestPairs(path, [version, ...more], 'CONNECT')];
}

/** HEADERS of a request; without a body it ends the stream. */
export function requestFrame(stream: number, pairs: Pairs, body = false): Buffer {
  return frame(Frame.headers, Flag.endHeaders | (body ? 0 : Flag.endStream), stream, block(pairs));
}

export class FrameClient {
  readonly frames: ReceivedFrame[] = [];
  #rest = Buffer.alloc(0);
  #waiters: (() => void)[] = [];

  private constructor(readonly raw: RawClient) {
    raw.consume((chunk) => this.#onData(chunk));
    raw.socket.on('close', () => this.#wake());
    raw.socket.on('end', () => this.#wake());
  }

  /** Over a connection of its own, or one that is there; the preface and empty settings are on their way. */
  static async open(to: Address | RawClient, settings: Buffer | string = ''): Promise<FrameClient> {
    const client = new FrameClient(to instanceof RawClient ? to : await RawClient.connect(to));
    await client.raw.write(PREFACE);
    await client.send(frame(Frame.settings, 0, 0, settings));
    await client.next(({ type, flags }) => type === Frame.settings && flags === 0);
    await client.send(frame(Frame.settings, Flag.ack, 0));
    return client;
  }

  /** Without a preface, or with half of one. */
  static async bare(to: Address): Promise<FrameClient> {
    return new FrameClient(await RawClient.connect(to));
  }

  async send(...frames: readonly Buffer[]): Promise<void> {
    await this.raw.write(Buffer.concat(frames));
  }

  /** Sends again and again until the other side has had enough. */
  async flood(bytes: Buffer, times: number): Promise<void> {
    const { socket } = this.raw;
    for (let n = 0; n < times && !this.raw.ended && !socket.destroyed; n++) {
      if (!socket.write(bytes)) await new Promise<void>((resolve) => this.#onceWritable(resolve));
    }
  }

  #onceWritable(resolve: () => void): void {
    const { socket } = this.raw;
    const done = () => {
      for (const event of ['drain', 'close', 'end', 'error']) socket.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'end', 'error']) socket.on(event, done);
    if (this.raw.ended) done();
  }

  /** The first frame that is so, of all that have come or will. */
  async next(is: (frame: ReceivedFrame) => boolean): Promise<ReceivedFrame> {
    const found = () => this.frames.find(is);
    await this.#until(() => found() !== undefined || this.raw.ended);
    const frame = found();
    if (frame === undefined) throw new Error(`the connection has ended; ${this.#describe()}`);
    return frame;
  }

  /** The code of the GOAWAY; 'none' when the connection ended without. */
  async goaway(): Promise<number | 'none'> {
    const found = () => this.frames.findLast(({ type }) => type === Frame.goaway);
    await this.#until(() => found() !== undefined || this.raw.ended);
    return found()?.payload.readUInt32BE(4) ?? 'none';
  }

  async #until(ready: () => boolean): Promise<void> {
    const held = new Promise<void>((resolve) => {
      const check = () => {
        if (ready()) resolve();
        else this.#waiters.push(check);
      };
      check();
    });
    await within(held, 10_000, () => this.#describe());
  }

  #describe(): string {
    return `received ${this.frames.map(({ type, flags, stream }) => `${type}/${flags}/${stream}`).join(' ')}`;
  }

  /** All of a stream, up to its end. */
  async ofStream(stream: number): Promise<{ readonly body: Buffer; readonly reset: number | undefined }> {
    const last = ({ type, flags, stream: of }: ReceivedFrame) =>
      of === stream && (type === Frame.reset || ((type === Frame.data || type === Frame.headers) && (flags & 1) === 1));
    const end = await this.next(last);
    const data = this.frames.filter(({ type, stream: of }) => type === Frame.data && of === stream);
    return {
      body: Buffer.concat(data.map(({ payload }) => payload)),
      reset: end.type === Frame.reset ? end.payload.readUInt32BE(0) : undefined,
    };
  }

  #onData(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9) {
      const end = 9 + this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < end) break;
      const [type, flags] = [this.#rest.readUInt8(3), this.#rest.readUInt8(4)];
      const payload = Buffer.from(this.#rest.subarray(9, end));
      this.frames.push({ type, flags, stream: this.#rest.readUInt32BE(5), payload });
      this.#rest = this.#rest.subarray(end);
    }
    this.#wake();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }

  destroy(): void {
    this.raw.destroy();
  }
}
