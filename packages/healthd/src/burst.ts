/**
 * Lines of one kind in the log, of which a configuration with thousands of services could have thousands at once: some of
 * them in a second, and then how many more there were.
 *
 * Nothing is lost without a word. healthd's only thread.
 */
import type { Timers } from '@sluice/shared/discovery/timers';

/** Lines that a burst may have. */
export const BURST_LINES_MAX = 20;
export const BURST_MS = 1000;

export class Burst {
  readonly #timers: Timers;
  readonly #tell: (more: number) => void;
  #lines = 0;
  #more = 0;
  #cancel: (() => void) | undefined;

  /** `tell`: called when a burst is over that had more lines. */
  constructor(timers: Timers, tell: (more: number) => void) {
    this.#timers = timers;
    this.#tell = tell;
  }

  /** Whether this line is to be written. */
  take(): boolean {
    this.#cancel ??= this.#timers.after(BURST_MS, () => this.close());
    if (this.#lines === BURST_LINES_MAX) {
      this.#more += 1;
      return false;
    }
    this.#lines += 1;
    return true;
  }

  /** The burst is over now. Leaves no timer. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const more = this.#more;
    this.#lines = 0;
    this.#more = 0;
    if (more > 0) this.#tell(more);
  }
}
