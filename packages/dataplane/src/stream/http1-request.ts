/**
 * A request over HTTP/1.1, as Node's parser gives it, and its answer: head, body with back-pressure, trailers.
 *
 * Invariant: a head goes out at once, also when no byte of the body has come (server-sent events); what the client does
 * not take stops the source and not the memory. Worker thread.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientAnswer, ClientRequest, InterimField } from './client-request.js';
import { requestText } from './heads.js';
import { leaveBody } from './linger.js';

export interface Http1Message {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly expects: boolean;
}

export class Http1Request implements ClientRequest {
  readonly method: string;
  readonly head: string;
  readonly headBytes: number;
  readonly http2 = false;
  readonly expects: boolean;
  readonly body: IncomingMessage;
  readonly answer: Http1Answer;

  readonly #reset: () => void;

  /**
   * `headBytes` as received; 0: not known. `onLast`: nothing behind this request is looked at. `reset` ends the connection so
   * that its end does not look like one in order.
   */
  constructor({ request, response, expects }: Http1Message, headBytes: number, onLast: () => void, reset: () => void) {
    this.#reset = reset;
    this.method = request.method ?? '';
    this.head = requestText(request);
    this.headBytes = headBytes;
    this.expects = expects;
    this.body = request;
    this.answer = new Http1Answer(response, onLast);
  }

  get destroyed(): boolean {
    return this.answer.response.destroyed;
  }

  /** What the client still sends is not read for long. */
  leave(): void {
    leaveBody(this.body);
  }

  abandon(): void {
    if (this.answer.endsWithConnection) this.#reset();
    this.body.socket.destroy();
  }

  onClose(told: () => void): void {
    this.answer.response.once('close', told);
  }
}

export class Http1Answer implements ClientAnswer {
  readonly response: ServerResponse;
  readonly #onLast: () => void;
  #headBytes = 0;
  #bodyBytes = 0;

  constructor(response: ServerResponse, onLast: () => void) {
    this.response = response;
    this.#onLast = onLast;
    response.sendDate = false;
  }

  get begun(): boolean {
    return this.response.headersSent;
  }

  /** It has begun, and its end is the connection's (a client of HTTP/1.0). */
  get endsWithConnection(): boolean {
    return this.begun && !/\r\n(?:content-length|transfer-encoding):/i.test(sentHead(this.response));
  }

  get sent(): boolean {
    return this.response.writableFinished;
  }

  get headBytes(): number {
    return this.#headBytes;
  }

  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  continue(): void {
    this.response.writeContinue();
  }

  begin(status: number, reason: string, pairs: readonly string[], last: boolean): void {
    if (last) this.#onLast();
    const fields = last && !hasConnection(pairs) ? [...pairs, 'Connection', 'close'] : [...pairs];
    this.response.writeHead(status, reason, fields);
    this.#headBytes = sentHead(this.response).length;
    // Behind the rest of what has come with the head: one segment where there is a body already.
    queueMicrotask(() => {
      if (!this.response.writableEnded && !this.response.destroyed && this.#bodyBytes === 0) {
        this.response.flushHeaders();
      }
    });
  }

  write(chunk: Buffer): boolean {
    this.#bodyBytes += chunk.length;
    return this.response.write(chunk);
  }

  end(body: string): void {
    this.#bodyBytes += body.length;
    this.response.end(body, 'latin1');
  }

  finish(trailers: readonly [string, string][]): void {
    if (trailers.length > 0 && this.response.chunkedEncoding) this.response.addTrailers(trailers);
    this.response.end();
  }

  interim(status: number, fields: readonly InterimField[]): void {
    if (this.begun) return;
    if (status === 102) this.response.writeProcessing();
    const links = fields.filter(({ lowerName }) => lowerName === 'link').map(({ value }) => value);
    if (status === 103 && links.length > 0) this.response.writeEarlyHints({ link: links });
  }

  onDrain(told: () => void): void {
    this.response.on('drain', told);
  }
}

/** Exactly what goes out, Node's own fields included: nothing public tells. */
function sentHead(response: ServerResponse): string {
  return (response as ServerResponse & { readonly _header?: string })._header ?? '';
}

function hasConnection(pairs: readonly string[]): boolean {
  for (let at = 0; at < pairs.length; at += 2) if (pairs[at]?.toLowerCase() === 'connection') return true;
  return false;
}
