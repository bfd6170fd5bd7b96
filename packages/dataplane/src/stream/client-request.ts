/**
 * A request as its client made it, and the way to answer it, over either version of HTTP: all that an exchange knows of
 * the connection that it is on.
 *
 * Invariant: what goes wrong on one request of a connection leaves the others alone where the version allows it. Worker
 * thread.
 */
import type { Readable } from 'node:stream';

export interface ClientRequest {
  readonly method: string;
  /** The whole head as HTTP/1.1 writes it, latin1: one parser judges both versions. */
  readonly head: string;
  /** Bytes of the head as received; 0: as many as `head` has. */
  readonly headBytes: number;
  readonly http2: boolean;
  /** The client waits for 100 (Continue) before it sends its body. */
  readonly expects: boolean;
  /** Paused; nothing is read from it unless somebody wants it. */
  readonly body: Readable;
  readonly answer: ClientAnswer;
  /** The client is gone. */
  readonly destroyed: boolean;
  /** The answer is complete: of a body that is still coming nothing more is wanted. */
  leave(): void;
  /** Ends it where it is: the client must not take what it has for a whole answer. */
  abandon(): void;
  /** Told once, when nothing more goes out or comes in. */
  onClose(told: () => void): void;
}

/** A field of an interim answer. */
export interface InterimField {
  readonly lowerName: string;
  readonly value: string;
}

export interface ClientAnswer {
  /** The head is on its way. */
  readonly begun: boolean;
  /** All of the answer has gone out. */
  readonly sent: boolean;
  /** Of the head that was sent, as far as it is known. */
  readonly headBytes: number;
  readonly bodyBytes: number;
  /** 100 (Continue). */
  continue(): void;
  /** Interim answers that can be written: 102, and 103 with its links. Others are left out. */
  interim(status: number, fields: readonly InterimField[]): void;
  /** `pairs`: names and values in turn. `last`: the connection takes no request behind this one. */
  begin(status: number, reason: string, pairs: readonly string[], last: boolean): void;
  /** False: hold the source until `drain`. */
  write(chunk: Buffer): boolean;
  /** A whole body of our own, latin1. */
  end(body: string): void;
  /** The body is over; fields that came behind it pass on where the framing has room for them. */
  finish(trailers: readonly [string, string][]): void;
  onDrain(told: () => void): void;
}
