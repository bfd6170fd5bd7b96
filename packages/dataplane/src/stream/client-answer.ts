/**
 * The answer as the client gets it: head, body with back-pressure, trailers; and how many bytes of each went out.
 *
 * Invariant: a head goes out at once, also when no byte of the body has come (server-sent events); what the client does
 * not take stops the source and not the memory. Worker thread.
 */
import type { ServerResponse } from 'node:http';

export class ClientAnswer {
  readonly #response: ServerResponse;
  #headBytes = 0;
  #bodyBytes = 0;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.sendDate = false;
  }

  /** The head is on its way. */
  get begun(): boolean {
    return this.#response.headersSent;
  }

  /** Of the head that was sent. */
  get headBytes(): number {
    return this.#headBytes;
  }

  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** `pairs`: names and values in turn. `close`: the connection ends with this answer. */
  begin(status: number, reason: string, pairs: readonly string[], close: boolean): void {
    const fields = close && !hasConnection(pairs) ? [...pairs, 'Connection', 'close'] : [...pairs];
    this.#response.writeHead(status, reason, fields);
    // Exactly what goes out, Node's own fields included: nothing public tells.
    const { _header: head } = this.#response as ServerResponse & { readonly _header?: string };
    this.#headBytes = head?.length ?? 0;
    // Behind the rest of what has come with the head: one segment where there is a body already.
    queueMicrotask(() => {
      if (!this.#response.writableEnded && !this.#response.destroyed && this.#bodyBytes === 0) {
        this.#response.flushHeaders();
      }
    });
  }

  /** False: hold the source until `drain`. */
  write(chunk: Buffer): boolean {
    this.#bodyBytes += chunk.length;
    return this.#response.write(chunk);
  }

  /** A whole body of our own. */
  end(body = ''): void {
    this.#bodyBytes += body.length;
    this.#response.end(body, 'latin1');
  }

  /** The body is over; fields that came behind it pass on where the framing has room for them. */
  finish(trailers: readonly [string, string][]): void {
    if (trailers.length > 0 && this.#response.chunkedEncoding) this.#response.addTrailers(trailers);
    this.#response.end();
  }

  /** Interim answers that Node can write: 102, and 103 with its links. Others are left out. */
  interim(status: number, fields: readonly { readonly lowerName: string; readonly value: string }[]): void {
    if (this.begun) return;
    if (status === 102) this.#response.writeProcessing();
    const links = fields.filter(({ lowerName }) => lowerName === 'link').map(({ value }) => value);
    if (status === 103 && links.length > 0) this.#response.writeEarlyHints({ link: links });
  }
}

function hasConnection(pairs: readonly string[]): boolean {
  for (let at = 0; at < pairs.length; at += 2) if (pairs[at]?.toLowerCase() === 'connection') return true;
  return false;
}
