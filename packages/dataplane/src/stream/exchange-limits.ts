/**
 * The two limits that run on a request: of the stage that it is in, and of the whole of it up to its answer.
 *
 * Invariant: none is left running after `clear`, and nothing fires after it. Worker thread.
 */

/** Of a timer of Node's. */
export const MS_MAX = 0x7fff_ffff;

export class ExchangeLimits {
  #stage: NodeJS.Timeout | undefined;
  #whole: NodeJS.Timeout | undefined;

  /** The limit of the stage that begins now, in the place of the one before; 0: none. */
  stage(ms: number, onTime: () => void): void {
    clearTimeout(this.#stage);
    this.#stage = ms === 0 ? undefined : setTimeout(onTime, Math.min(ms, MS_MAX));
  }

  /** Something has moved: the stage's limit begins anew. */
  touch(): void {
    this.#stage?.refresh();
  }

  whole(ms: number, onTime: () => void): void {
    this.#whole = setTimeout(onTime, Math.min(ms, MS_MAX));
  }

  /** There is an answer: the whole request's limit has been kept. */
  answered(): void {
    clearTimeout(this.#whole);
  }

  clear(): void {
    clearTimeout(this.#stage);
    clearTimeout(this.#whole);
    this.#stage = undefined;
  }
}
