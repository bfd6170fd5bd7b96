/**
 * The body of a request on its way to an endpoint: one reader for one attempt, over the body that the client sends.
 *
 * Invariant: nothing is taken from the request before the first read, so an attempt that never connected leaves it whole
 * for the next one; and the end of a reader never ends the request. Back-pressure is the request's own. Worker thread.
 */
import { Readable } from 'node:stream';

export interface BodyWatch {
  /** The first byte is asked for. */
  onStart(): void;
  /** Bytes have come. */
  onChunk(bytes: number): void;
  /** The last one has. */
  onEnd(): void;
}

export class RequestBody extends Readable {
  readonly #source: Readable;
  readonly #watch: BodyWatch;
  #started = false;

  constructor(source: Readable, watch: BodyWatch) {
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
      // An empty body over HTTP/2 may have ended with its head, before anybody read it: its end is not told again.
      if (this.#source.readableEnded) {
        this.#onEnd();
        return;
      }
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
