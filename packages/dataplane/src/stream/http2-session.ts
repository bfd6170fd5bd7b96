/**
 * A client's connection over HTTP/2, through Node's own session: many requests at once, each an exchange.
 *
 * Invariant: a connection without a request under way lasts no longer than its idle limit, one that has not begun no longer
 * than a head may take, and one whose client does what no client does ends with ENHANCE_YOUR_CALM, a record and a count.
 * Worker thread.
 */
import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { refuse } from '../policy/refusal.js';
import { Exchange } from './exchange.js';
import { type Guard, Http2Guard } from './http2-guard.js';
import { readHttp2Head } from './http2-head.js';
import { sessionRecord } from './http2-record.js';
import { Http2Request, type Http2RequestWatch } from './http2-request.js';
import { PASSED_UNREAD_MAX, STREAM_WINDOW_BYTES, sessionOptions, WINDOW_BYTES } from './http2-settings.js';
import type { StreamScene } from './scene.js';
import type { StreamConnection } from './stream-connection.js';

/** How long a client may take to close a connection that has been ended in order. */
const LINGER_MS = 1000;
/** Of a head, beyond its text: what framing and compression may add. */
const HEAD_EXTRA_BYTES = 128;

/** Who takes WebSockets (RFC 8441): it answers the request, and tells its connection of bytes as they pass. */
export interface Http2Tunnels {
  open(connection: StreamConnection, request: Http2Request): void;
}

export interface Http2SessionOptions {
  readonly scene: StreamScene;
  readonly connection: StreamConnection;
  /** undefined: the listener has none. */
  readonly tunnels: Http2Tunnels | undefined;
  /** Told of each stream that opens or has closed; false: the worker takes no other request. */
  readonly count: (change: 1 | -1) => boolean;
}

export class Http2Session {
  readonly #scene: StreamScene;
  readonly #connection: StreamConnection;
  readonly #tunnels: Http2Tunnels | undefined;
  readonly #count: (change: 1 | -1) => boolean;
  readonly #session: ServerHttp2Session;
  readonly #guard: Http2Guard;
  readonly #exchanges = new Set<Exchange>();
  readonly #watch: Http2RequestWatch;
  #timer: NodeJS.Timeout | undefined;
  /** Streams that are not closed. */
  #open = 0;
  /** Of what has come: heads, and bodies that nobody wants. */
  #usefulBytes = 0;
  readonly #begunMs = performance.now();
  #begun = false;
  #ended = false;

  constructor({ scene, connection, tunnels, count }: Http2SessionOptions) {
    this.#scene = scene;
    this.#connection = connection;
    this.#tunnels = tunnels;
    this.#count = count;
    this.#guard = new Http2Guard(PASSED_UNREAD_MAX, this.#begunMs);
    const { headBytesMax, requestHeadTimeoutMs, streamIdleTimeoutMs } = scene.context.limits;
    this.#watch = {
      onWrite: () => this.#guard.onWrite(performance.now()),
      onUnwanted: (bytes) => {
        this.#usefulBytes += bytes;
      },
      untakenMs: streamIdleTimeoutMs,
    };
    this.#session = performServerHandshake(connection.socket, sessionOptions(headBytesMax, tunnels !== undefined));
    this.#session.setLocalWindowSize(WINDOW_BYTES);
    this.#session.on('error', () => {}); // comes behind the end of the socket, which has the same error
    connection.socket.on('error', (error) => this.#onError(error));
    // A client that says no more can take no more either: its windows would never open again.
    connection.socket.once('end', () => this.#session.destroy());
    this.#session.on('remoteSettings', () => this.#onSettings());
    this.#session.on('ping', () => this.#guarded('pings', this.#guard.onPing(performance.now())));
    this.#session.on('stream', (stream: ServerHttp2Stream, _headers: unknown, _flags: number, raw: string[]) =>
      this.#onStream(stream, raw),
    );
    this.#timer = setTimeout(() => this.#onSilent(), requestHeadTimeoutMs);
  }

  /** WebSockets are offered: a client that knows of it is told of no change (RFC 8441 3). */
  get offersWebSockets(): boolean {
    return this.#tunnels !== undefined;
  }

  /** Requests under way end, with this reason if they have none; whoever asks closes the socket. */
  end(closeReason: string): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    for (const exchange of [...this.#exchanges]) exchange.end(closeReason);
  }

  /** Takes no other request; ends when those under way have. */
  close(): void {
    if (this.#ended || this.#session.closed) return;
    this.#session.close();
    this.#rest();
  }

  /** From time to time: whether what the client sends is worth reading. */
  check(nowMs: number): void {
    if (this.#ended || this.#session.destroyed) return;
    const { socket, bytesUp, bytesDown, tunnelledUp, tunnelledDown } = this.#connection;
    const useful = bytesUp + tunnelledUp + this.#usefulBytes;
    const passed = { read: socket.bytesRead, useful, written: bytesDown + tunnelledDown };
    this.#guarded('control', this.#guard.onPassed(passed, nowMs));
  }

  #onSettings(): void {
    if (!this.#begun) {
      this.#begun = true;
      this.#rest();
      return;
    }
    this.#guarded('settings', this.#guard.onSettings(performance.now()));
  }

  #onStream(stream: ServerHttp2Stream, raw: readonly string[]): void {
    stream.on('error', () => {}); // 'close' follows
    this.#scene.context.meters?.http2('streams');
    this.#usefulBytes += raw.reduce((sum, part) => sum + part.length + 2, HEAD_EXTRA_BYTES);
    if (stream.destroyed || stream.closed) {
      this.#onReset();
      return;
    }
    const head = readHttp2Head(raw, stream.endAfterHeaders);
    if (head === undefined) {
      stream.destroy(new Error('a field holds the end of a line'));
      this.#onReset();
      return;
    }
    const request = new Http2Request(stream, head, this.#watch);
    this.#open++;
    const room = this.#count(1);
    clearTimeout(this.#timer);
    stream.once('close', () => this.#onStreamClosed(request));
    this.#begin(request, room);
    if (this.#scene.draining) this.close();
  }

  #begin(request: Http2Request, room: boolean): void {
    const { protocol } = request;
    if (protocol === 'websocket' && this.#tunnels !== undefined && room) {
      this.#tunnels.open(this.#connection, request);
      return;
    }
    const exchange: Exchange = new Exchange(this.#scene, this.#connection, request, () =>
      this.#exchanges.delete(exchange),
    );
    this.#exchanges.add(exchange);
    if (!room) exchange.decline(refuse('overloaded'));
    else if (protocol !== '') exchange.decline(refuse('unknown-protocol'));
    else exchange.start();
  }

  #onStreamClosed(request: Http2Request): void {
    this.#open--;
    this.#count(-1);
    if (!request.whole) this.#usefulBytes += STREAM_WINDOW_BYTES; // of its body, what nobody has read
    if (request.leftByClient) this.#onReset();
    if (this.#open === 0) this.#rest();
  }

  #onReset(): void {
    this.#scene.context.meters?.http2('resets');
    this.#guarded('resets', this.#guard.onReset(performance.now()));
  }

  /** Nothing is under way: the connection waits, or is over. */
  #rest(): void {
    if (this.#ended || this.#open > 0) return;
    clearTimeout(this.#timer);
    const { socket } = this.#connection;
    const over = this.#session.closed || this.#session.destroyed;
    const { httpIdleTimeoutMs } = this.#scene.context.limits;
    this.#timer = over
      ? setTimeout(() => socket.destroy(), LINGER_MS)
      : setTimeout(() => this.close(), httpIdleTimeoutMs);
  }

  /** The client has not begun in time. */
  #onSilent(): void {
    this.#fail('request-timeout', '', constants.NGHTTP2_SETTINGS_TIMEOUT);
  }

  #guarded(guard: Guard, over: boolean): void {
    if (!over || this.#ended || this.#session.destroyed) return;
    this.#scene.context.meters?.http2(`flood-${guard}`);
    this.#fail('http2-flood', `too much of: ${guard}`, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** Node's session has ended by itself, and has told the client why. */
  #onError(error: Error): void {
    const fault = sessionFault(error);
    if (fault === undefined || this.#ended || this.#connection.closeReason !== '') return;
    const flood = fault === 'frames';
    this.#scene.context.meters?.http2(flood ? 'flood-frames' : 'protocol');
    this.#note(flood ? 'http2-flood' : 'http2-protocol', error.message);
  }

  #fail(closeReason: string, why: string, code: number): void {
    this.#note(closeReason, why);
    this.#session.destroy(new Error(closeReason), code);
  }

  #note(closeReason: string, why: string): void {
    this.#connection.closeReason = closeReason;
    sessionRecord(this.#scene, this.#connection, why, performance.now() - this.#begunMs);
  }
}

/** What was wrong with the client by Node's judgement; undefined: nothing, the connection broke. */
export function sessionFault(error: Error): 'frames' | 'protocol' | undefined {
  const { code, errno } = error as NodeJS.ErrnoException;
  if (code === 'ERR_HTTP2_TOO_MANY_INVALID_FRAMES') return 'frames';
  if (code !== 'ERR_HTTP2_ERROR') return undefined;
  return errno !== undefined && FLOODS.has(errno) ? 'frames' : 'protocol';
}

/** nghttp2's: answers that pile up, CONTINUATION without end. */
const FLOODS = new Set([-904, -905]);
