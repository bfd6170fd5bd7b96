/**
 * Durations as manifests write them: GEP-2257 (`1h30m`, `500ms`, `0s`), the part of Go's notation that has no fractions.
 *
 * The policies of alb.networking.azure.io speak of seconds, so there a bare whole number is taken for seconds too. Pure.
 */

/** Four terms of one to five digits, as GEP-2257 bounds them; so the result is far inside the safe integers. */
const DURATION = /^(?:\d{1,5}(?:h|ms|m|s)){1,4}$/;
const TERM = /(\d+)(h|ms|m|s)/g;
const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
/** As many digits as a term of a written duration may have. */
const SECONDS_MAX = 99_999;

export const DURATION_HINT = 'write it as in 1h30m, 10s or 500ms';

/** Milliseconds; undefined when the text is no GEP-2257 duration. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let ms = 0;
  for (const [, digits, unit = ''] of text.matchAll(TERM)) ms += Number(digits) * (UNIT_MS[unit] ?? Number.NaN);
  return ms;
}

/** As parseDuration; a whole number, bare or as text, is seconds. */
export function parseDurationOrSeconds(value: string | number): number | undefined {
  if (typeof value === 'string' && !/^\d{1,5}$/.test(value)) return parseDuration(value);
  const seconds = Number(value);
  return Number.isInteger(seconds) && seconds >= 0 && seconds <= SECONDS_MAX ? seconds * 1000 : undefined;
}

/** The shortest way to write whole milliseconds, as in `1h30m`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  let rest = ms;
  let text = '';
  for (const [unit, size] of Object.entries(UNIT_MS)) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
