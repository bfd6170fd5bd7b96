/**
 * `--access-log-when-full pause`: stops accepting while the access log cannot keep up, instead of losing records.
 *
 * Pauses when the rings hold more than half of one ring's bytes, resumes below a quarter: the rest is for the
 * connections that are open. Primary thread.
 */
import type { Logger } from '@sluice/shared/log';
import type { Native } from '../engine/binding.js';

export class AcceptPressure {
  readonly #native: Native;
  readonly #log: Logger;
  readonly #ringBytes: number;
  #accepting = false;
  #paused = false;

  constructor(native: Native, log: Logger, ringBytes: number) {
    this.#native = native;
    this.#log = log;
    this.#ringBytes = ringBytes;
  }

  /** Begins to accept, unless it is paused right now. */
  start(): void {
    this.#accepting = true;
    if (!this.#paused) this.#native.acceptStart();
  }

  /** Accepting has been closed for good. */
  stop(): void {
    this.#accepting = false;
  }

  update(backlogBytes: number): void {
    if (!this.#accepting) return;
    if (!this.#paused && backlogBytes > this.#ringBytes / 2) this.#set(true);
    else if (this.#paused && backlogBytes < this.#ringBytes / 4) this.#set(false);
  }

  #set(paused: boolean): void {
    this.#paused = paused;
    if (paused) this.#native.acceptPause();
    else this.#native.acceptStart();
    this.#log.warn(paused ? 'accepting pauses: the access log cannot keep up' : 'accepting goes on');
  }
}
