/**
 * The body of a request on its way to an endpoint: one reader for one attempt, over the request that Node has parsed.
 *
 * Invariant: nothing is taken from the request before the first read, so an attempt that never connected leaves it whole
 * for the next one; and the end of a reader never ends the request. Back-pressure is the request's own. Worker thread.
 */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** How long a client may go on sending a body that nobody wants. */
const UNREAD_BODY_MS = 1000;

/** A body that is still coming when the answer is complete is not read to its end. */
export function leaveBody(request: IncomingMessage): void {
  if (request.complete) return;
  const { socket } = request;
  const timer = setTimeout(() => {
    if (!request.complete) socket.destroy();
  }, UNREAD_BODY_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

export interface BodyWatch {
  /** The first byte is asked for. */
  onStart(): void;
  /** Bytes have come. */
  onChunk(bytes: number): void;
  /** The last one has. */
  onEnd(): void;
}

export class RequestBody extends Readable {
  readonly #source: IncomingMessage;
  readonly #watch: BodyWatch;
  #started = false;

  constructor(source: IncomingMessage, watch: BodyWatch) {
    super({ autoDestroy: true });
    this.#source = source;
    this.#watch = watch;
  }

  /** Something has been taken from the request. */
  get started(): boolean {
    return this.#started;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#watch.onChunk(chunk.length);
    if (!this.push(chunk)) this.#source.pause();
  };

  readonly #onEnd = (): void => {
    this.#watch.onEnd();
    this.push(null);
  };

  override _read(): void {
    if (!this.#started) {
      this.#started = true;
      this.#watch.onStart();
      this.#source.on('data', this.#onData);
      this.#source.on('end', this.#onEnd);
    }
    this.#source.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#source.off('data', this.#onData);
    this.#source.off('end', this.#onEnd);
    done(error);
  }
}
