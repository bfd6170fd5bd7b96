/** Time that passes only when the test says so. Tests only; nothing that is shipped imports this. */
import type { Timers } from '../discovery/timers.js';

interface Pending {
  readonly atMs: number;
  readonly call: () => void;
}

export class ManualTimers implements Timers {
  #nowMs = 1000;
  readonly #pending = new Set<Pending>();

  nowMs(): number {
    return this.#nowMs;
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#pending.size;
  }

  after(delayMs: number, call: () => void): () => void {
    const pending = { atMs: this.#nowMs + delayMs, call };
    this.#pending.add(pending);
    return () => this.#pending.delete(pending);
  }

  /** Lets time pass; what falls due runs in order, and promises settle in between. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const next = [...this.#pending].sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#pending.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.call();
    }
    this.#nowMs = endMs;
  }
}

/** Every promise that can settle without time passing has done so, and what it led to. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}
