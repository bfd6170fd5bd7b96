/**
 * An answer over HTTP/2: its fields without those of a connection, body with the stream's back-pressure, trailers.
 *
 * Invariant: the stream ends in order only behind a whole answer; what is cut short is reset (RFC 9113 8.1). A client that
 * has gone is written to no more. Worker thread.
 */
import { constants, type Http2Session, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { Field, fieldName } from '../policy/field-name.js';
import { isHopByHop } from '../policy/hop-by-hop.js';
import type { ClientAnswer, InterimField } from './client-request.js';
import { expireStream } from './http2-expiry.js';

/** The fields that HTTP/2 takes, by name; those of a connection have no place in it (RFC 9113 8.2.2). */
export function http2Fields(pairs: readonly string[]): Record<string, string[]> {
  const fields: Record<string, string[]> = Object.create(null);
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    const { id, lower } = fieldName(pairs[at] as string);
    if (isHopByHop(id) || id === Field.transferEncoding) continue;
    const values = fields[lower];
    if (values === undefined) fields[lower] = [pairs[at + 1] as string];
    else values.push(pairs[at + 1] as string);
  }
  return fields;
}

/** As few lines as may be: Node writes some fields once only, whatever a backend has said twice. */
function joined(fields: Record<string, string[]>): OutgoingHttpHeaders {
  const lines = Object.entries(fields).map(([name, values]) => [
    name,
    name === 'set-cookie' ? values : values.join(', '),
  ]);
  return Object.fromEntries(lines) as OutgoingHttpHeaders;
}

/** Sends the head of a final answer, without a Date of Node's. */
export function respond(
  stream: ServerHttp2Stream,
  status: number,
  fields: Record<string, string[]>,
  options: { endStream?: boolean; waitForTrailers?: boolean } = {},
): void {
  const head = { ':status': status } as const;
  try {
    stream.respond({ ...fields, ...head }, { ...options, sendDate: false } as typeof options);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_HTTP2_HEADER_SINGLE_VALUE')) throw error;
    stream.respond({ ...joined(fields), ...head }, { ...options, sendDate: false } as typeof options);
  }
}

export interface Http2AnswerWatch {
  /** Another piece of a body goes out. */
  onWrite(): void;
  /** How long an answer of our own may wait for its client to take it. */
  readonly untakenMs: number;
}

export class Http2Answer implements ClientAnswer {
  readonly #stream: ServerHttp2Stream;
  readonly #session: Http2Session | undefined;
  readonly #headRequest: boolean;
  readonly #watch: Http2AnswerWatch;
  #headBytes = 0;
  #bodyBytes = 0;
  #complete = false;
  #trailers: readonly [string, string][] = [];
  #trailing = false;
  /** What has been written, the end included, has gone out. */
  #out = false;

  constructor(stream: ServerHttp2Stream, method: string, watch: Http2AnswerWatch) {
    this.#stream = stream;
    this.#session = stream.session;
    this.#headRequest = method === 'HEAD';
    this.#watch = watch;
  }

  get begun(): boolean {
    return this.#stream.headersSent;
  }

  get sent(): boolean {
    return this.#complete && (this.#out || this.#endedInOrder);
  }

  /** Node tells of no 'finish' where the client's half had ended before: it destroys the stream with the answer's end. */
  get #endedInOrder(): boolean {
    const { closed, rstCode, writableEnded } = this.#stream;
    return closed && rstCode === constants.NGHTTP2_NO_ERROR && writableEnded && this.#session?.destroyed === false;
  }

  get headBytes(): number {
    return this.#headBytes;
  }

  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  get #gone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  continue(): void {
    if (!this.#gone && !this.begun) this.#stream.additionalHeaders({ ':status': 100 });
  }

  interim(status: number, fields: readonly InterimField[]): void {
    if (this.#gone || this.begun) return;
    if (status === 102) this.#stream.additionalHeaders({ ':status': 102 });
    const links = fields.filter(({ lowerName }) => lowerName === 'link').map(({ value }) => value);
    if (status === 103 && links.length > 0) this.#stream.additionalHeaders({ ':status': 103, link: links });
  }

  begin(status: number, _reason: string, pairs: readonly string[], _last: boolean): void {
    if (this.#gone || this.begun) return;
    const fields = http2Fields(pairs);
    for (const [name, values] of Object.entries(fields)) {
      for (const value of values) this.#headBytes += name.length + value.length + 4;
    }
    const bodiless = this.#headRequest || status === 204 || status === 205 || status === 304;
    if (status === 205) delete fields['content-length']; // it has no body (RFC 9110 15.3.6): Node writes none
    this.#trailing = !bodiless && fields['content-length'] === undefined;
    respond(this.#stream, status, fields, { endStream: bodiless, waitForTrailers: this.#trailing });
    // Before trailers all of the body has gone, and they wait for no window. A stream that they end may close in the same turn.
    if (this.#trailing) this.#stream.on('wantTrailers', () => this.#sendTrailers());
    else this.onOut(() => this.#noteOut());
  }

  write(chunk: Buffer): boolean {
    if (this.#gone || this.#stream.writableEnded) return true;
    this.#bodyBytes += chunk.length;
    this.#watch.onWrite();
    return this.#stream.write(chunk);
  }

  end(body: string): void {
    this.#complete = true;
    if (this.#gone || this.#stream.writableEnded) return;
    this.#bodyBytes += body.length;
    this.#stream.end(body, 'latin1');
    expireStream(this.#stream, this.#watch.untakenMs);
  }

  finish(trailers: readonly [string, string][]): void {
    this.#complete = true;
    this.#trailers = trailers;
    if (!this.#gone && !this.#stream.writableEnded) this.#stream.end();
  }

  onDrain(told: () => void): void {
    this.#stream.on('drain', told);
  }

  /** Told when the end of the answer has gone out, trailers and all. */
  onOut(told: () => void): void {
    const done = () => {
      // Node sends trailers in a turn of their own.
      if (this.#trailing) setImmediate(() => setImmediate(told));
      else told();
    };
    const event = this.#trailing ? 'wantTrailers' : 'finish';
    if (this.#stream.writableFinished && !this.#trailing) done();
    else this.#stream.once(event, done);
  }

  #sendTrailers(): void {
    const fields = http2Fields(this.#trailers.flat());
    this.#stream.sendTrailers(joined(fields));
    this.#noteOut();
  }

  #noteOut(): void {
    this.#out = this.#stream.rstCode === constants.NGHTTP2_NO_ERROR;
  }
}
