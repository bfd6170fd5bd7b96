/**
 * When a worker that has died is started again: at once, then ever later, so that a restart storm is bounded.
 *
 * Pure: time comes in as an argument.
 */
const FIRST_DELAY_MS = 100;
const DELAY_MAX_MS = 5000;
/** A worker that has lived so long starts over with no failures. */
const STEADY_MS = 60_000;

/** Delay before the restart that follows `failures` earlier ones in a row: 0, 100, 200, 400 … 5000 ms. */
export function restartDelayMs(failures: number): number {
  if (failures <= 0) return 0;
  return Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), DELAY_MAX_MS);
}

/** Failures in a row to count with, when a worker has died after `livedMs`. */
export function failuresAfter(failures: number, livedMs: number): number {
  return livedMs >= STEADY_MS ? 0 : failures;
}
