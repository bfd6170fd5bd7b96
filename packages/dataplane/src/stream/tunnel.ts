/**
 * One WebSocket over HTTP/2: its stream on one side, on the other a socket to the engine, which speaks HTTP/1.1 on it as
 * to any client.
 *
 * Invariant: the 101 becomes 200 and from then on bytes pass both ways, with the back-pressure of both; an end in order
 * passes on as END_STREAM and as a half-close, every other end as a reset: RST_STREAM (CANCEL, RFC 8441 5) to the client,
 * a client's reset to the engine. Worker thread.
 */
import { constants, type ServerHttp2Stream } from 'node:http2';
import { Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { AnswerBody } from '../policy/answer-body.js';
import { Field } from '../policy/field-name.js';
import { framingOf } from '../policy/framing.js';
import { type HeadLimits, parseResponseHead, type ResponseHead } from '../policy/head.js';
import { isRefusal } from '../policy/refusal.js';
import { http2Fields, respond } from './http2-answer.js';
import { expireStream } from './http2-expiry.js';

const { NGHTTP2_NO_ERROR } = constants;

/** What the engine adds to a head that a backend sent. */
const ADDED_BYTES_MAX = 65_536;
/** Ends after which the client may have less than the backend sent. */
const CUT = new Set(['backend-reset', 'backend-vanished', 'backend-truncated', 'relay-truncated']);
/** Ends of an answer that is no 101 at which the client has all of it. */
const WHOLE = new Set(['', 'relayed', 'refused']);

export interface TunnelOptions {
  /** Of the heads of answers. */
  readonly headLimits: HeadLimits;
  /** Told of bytes as they pass. */
  readonly passed: { tunnelledUp: number; tunnelledDown: number };
  /** How long the client may take nothing of what is left when the engine has ended the connection. */
  readonly untakenMs: number;
  /** Why the socket has ended: '' in order, else the close reason. */
  fate(): string;
  reset(): void;
  /** Nothing of it is left. */
  closed(): void;
}

export class Tunnel {
  readonly #socket: Socket;
  readonly #stream: ServerHttp2Stream;
  readonly #options: TunnelOptions;
  readonly #headLimits: HeadLimits;
  #bytes: Buffer = Buffer.alloc(0);
  /** Of an answer that is no 101; undefined before the head, and once bytes pass through. */
  #body: AnswerBody | undefined;
  #passing = false;
  #fate: string | undefined;
  #expiry: NodeJS.Timeout | undefined;

  /** `fd`: this side of the engine's inner client; it is the tunnel's from now on. */
  constructor(fd: number, stream: ServerHttp2Stream, options: TunnelOptions) {
    const { headLimits } = options;
    this.#stream = stream;
    this.#options = options;
    this.#headLimits = { ...headLimits, headBytesMax: headLimits.headBytesMax + ADDED_BYTES_MAX, fieldsMax: 1024 };
    this.#socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
    this.#socket.on('error', () => {});
    stream.on('error', () => {});
    this.#socket.on('data', this.#onData);
    this.#socket.once('end', () => this.#onEof());
    this.#socket.once('close', () => this.#onSocketClosed());
    stream.once('close', () => this.#onStreamClosed());
  }

  /** The engine has ended the connection: what it had for the client is in the socket already. */
  ended(closeReason: string): void {
    this.#fate ??= closeReason;
    this.#expiry ??= expireStream(this.#stream, this.#options.untakenMs);
  }

  destroy(): void {
    this.#cancel();
    this.#socket.destroy();
  }

  /** RST_STREAM (CANCEL), and no END_STREAM in front of it, which `close` would send. */
  #cancel(): void {
    addAbortSignal(AbortSignal.abort(), this.#stream);
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#expiry?.refresh();
    try {
      if (this.#body !== undefined) this.#passBody(this.#body, bytes);
      else this.#readHeads(this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]));
    } catch {
      this.#fail(); // what the engine sent cannot be said over HTTP/2
    }
  };

  #readHeads(bytes: Buffer): void {
    this.#bytes = bytes;
    for (;;) {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end < 0) {
        if (this.#bytes.length > this.#headLimits.headBytesMax) this.#fail();
        return;
      }
      const head = parseResponseHead(this.#bytes.toString('latin1', 0, end + 4), this.#headLimits);
      this.#bytes = this.#bytes.subarray(end + 4);
      if (isRefusal(head)) {
        this.#fail();
        return;
      }
      if (head.status >= 200 || head.status === 101) {
        this.#onHead(head);
        return;
      }
      this.#stream.additionalHeaders({ ':status': head.status, ...fieldsOf(head) });
    }
  }

  #onHead(head: ResponseHead): void {
    if (this.#stream.destroyed || this.#stream.closed) return;
    if (head.status === 101) {
      this.#pass(head);
      return;
    }
    const framing = framingOf(head);
    if (isRefusal(framing)) {
      this.#fail();
      return;
    }
    this.#body = new AnswerBody(framing);
    respond(this.#stream, head.status, fieldsOf(head));
    this.#stream.resume(); // nothing that the client sends has a meaning now
    this.#stream.on('drain', () => this.#socket.resume());
    this.#passBody(this.#body, this.#bytes);
  }

  #pass(head: ResponseHead): void {
    this.#passing = true;
    this.#socket.off('data', this.#onData);
    this.#socket.pause();
    respond(this.#stream, 200, fieldsOf(head));
    if (this.#bytes.length > 0) this.#socket.unshift(this.#bytes);
    this.#bytes = Buffer.alloc(0);
    this.#count();
    this.#socket.pipe(this.#stream, { end: false });
    this.#stream.pipe(this.#socket, { end: false });
    // A reset ends what can be read as an end in order does: that one is for #onStreamClosed.
    this.#stream.once('end', () => {
      if (this.#stream.rstCode === NGHTTP2_NO_ERROR) this.#socket.end();
    });
  }

  #count(): void {
    const { passed } = this.#options;
    this.#socket.on('data', (bytes: Buffer) => {
      passed.tunnelledDown += bytes.length;
      this.#expiry?.refresh();
    });
    this.#stream.on('data', (bytes: Buffer) => {
      passed.tunnelledUp += bytes.length;
    });
  }

  #passBody(body: AnswerBody, bytes: Buffer): void {
    for (const part of body.push(bytes)) if (!this.#stream.write(part)) this.#socket.pause();
    if (body.done) this.#finish();
  }

  /** The whole answer is out: what the client still has to say of this stream is not waited for. */
  #finish(): void {
    this.#stream.end();
    this.#closeInOrder();
    this.#socket.destroy();
  }

  /** Behind the last byte: a stream that is said to be closed before could be reset no more. */
  #closeInOrder(): void {
    if (this.#stream.writableFinished) this.#stream.close(NGHTTP2_NO_ERROR);
    else this.#stream.once('finish', () => this.#stream.close(NGHTTP2_NO_ERROR));
  }

  #fail(): void {
    this.#stream.destroy(new Error('the answer is not whole')); // INTERNAL_ERROR
    this.#options.reset();
    this.#socket.destroy();
  }

  #onEof(): void {
    this.#fate ??= this.#options.fate() || undefined;
    const fate = this.#fate ?? '';
    if (this.#body !== undefined) {
      if (this.#body.doneAtEof && WHOLE.has(fate)) this.#finish();
      else this.#fail();
    } else if (!this.#passing) {
      this.#fail();
    } else if (CUT.has(fate)) {
      this.#cancel();
    } else {
      this.#stream.end();
      if (this.#fate !== undefined) this.#socket.destroy(); // the engine takes nothing more either
    }
  }

  #onSocketClosed(): void {
    if (this.#passing && !this.#stream.closed) {
      if (this.#stream.writableEnded) this.#closeInOrder();
      else this.#cancel();
    }
    if (this.#stream.destroyed) this.#options.closed();
  }

  #onStreamClosed(): void {
    const { aborted, rstCode, readableEnded } = this.#stream;
    const inOrder = !aborted && rstCode === NGHTTP2_NO_ERROR && readableEnded;
    if (!inOrder && this.#body?.done !== true) {
      this.#options.reset();
      this.#socket.destroy();
    }
    if (this.#socket.destroyed) this.#options.closed();
  }
}

/** Fields of an answer that HTTP/2 takes, and that have a meaning there (RFC 8441 5). */
function fieldsOf({ fields }: ResponseHead): Record<string, string[]> {
  const passed = fields.filter(({ id }) => id !== Field.webSocketAccept);
  return http2Fields(passed.flatMap(({ name, value }) => [name, value]));
}
