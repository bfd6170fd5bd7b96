/**
 * Time as an argument: a monotonic clock and one-shot timers, so that schedules can be held still in a test.
 */
export interface Timers {
  /** Milliseconds of a clock that never goes back. */
  nowMs(): number;
  /** Calls once after `delayMs`, never in this turn; the function that it returns calls it off. */
  after(delayMs: number, call: () => void): () => void;
}

export const systemTimers: Timers = {
  nowMs: () => performance.now(),
  after: (delayMs, call) => {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
};
