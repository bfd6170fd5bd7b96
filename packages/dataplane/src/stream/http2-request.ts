/**
 * A request over HTTP/2: one stream of a session, and how it is ended without the others.
 *
 * Invariant: a stream is reset in exactly two cases: its answer is whole and its body is not (NO_ERROR, RFC 9113 8.1), or
 * its answer is cut short. It is then destroyed, never closed: Node would end it in order first. Worker
 * thread.
 */
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { ClientRequest } from './client-request.js';
import { Http2Answer, type Http2AnswerWatch } from './http2-answer.js';
import type { Http2Head } from './http2-head.js';

export interface Http2RequestWatch extends Http2AnswerWatch {
  /** Bytes of its body have come that nobody wants. */
  onUnwanted(bytes: number): void;
}

export class Http2Request implements ClientRequest {
  readonly method: string;
  readonly head: string;
  readonly headBytes = 0;
  readonly http2 = true;
  readonly expects: boolean;
  /** Of an extended CONNECT, else ''; `head` is then that of the GET which it stands for. */
  readonly protocol: string;
  readonly body: ServerHttp2Stream;
  readonly answer: Http2Answer;
  #whole: boolean;
  #abandoned = false;

  readonly #watch: Http2RequestWatch;

  constructor(stream: ServerHttp2Stream, { method, protocol, text, expects }: Http2Head, watch: Http2RequestWatch) {
    this.#watch = watch;
    this.method = method;
    this.head = text;
    this.expects = expects;
    this.protocol = protocol;
    this.body = stream;
    this.answer = new Http2Answer(stream, method, watch);
    this.#whole = stream.endAfterHeaders;
    stream.once('end', () => {
      this.#whole = true;
    });
    // By RST_STREAM (NO_ERROR) too, which Node else gives to whoever reads as the end of a whole body.
    stream.once('aborted', () => stream.destroy(new Error('the client has left')));
  }

  get destroyed(): boolean {
    return this.body.destroyed || this.body.closed;
  }

  /** The client has ended it before it had all of its answer. */
  get leftByClient(): boolean {
    if (this.#abandoned || this.answer.sent) return false;
    return this.protocol === '' || !this.answer.begun;
  }

  /** All of its body has come, and been read. */
  get whole(): boolean {
    return this.#whole;
  }

  leave(): void {
    if (this.#whole || this.destroyed) return;
    // An end that has come already is seen only by reading on.
    this.body.on('data', (chunk: Buffer) => this.#watch.onUnwanted(chunk.length)).resume();
    this.answer.onOut(() => {
      if (!this.#whole) this.body.close(constants.NGHTTP2_NO_ERROR);
    });
  }

  abandon(): void {
    this.#abandoned = true;
    this.body.destroy(new Error('the answer was cut short'));
  }

  onClose(told: () => void): void {
    this.body.once('close', told);
  }
}
