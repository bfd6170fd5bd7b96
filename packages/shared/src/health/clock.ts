/**
 * The clock of the status board: ticks of 100 ms of the machine's monotonic clock, the same in every thread.
 *
 * `performance.now()` counts from the start of its thread; `hrtime` does not, but allocates. So each thread takes the
 * difference once. A tick fits an Int32 for 6.8 years of uptime, and is never 0: on the board 0 stands for "none".
 */
export const TICK_MS = 100;

function differenceMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6 - performance.now();
}

const offsetMs = differenceMs();

/** Milliseconds of the machine's monotonic clock. */
export function monotonicMs(): number {
  return performance.now() + offsetMs;
}

/** The tick of now, or of a moment of `monotonicMs`. */
export function tick(nowMs: number = monotonicMs()): number {
  return Math.floor(nowMs / TICK_MS) + 1;
}
