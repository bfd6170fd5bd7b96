import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, parseDuration, parseDurationOrSeconds } from './duration.js';

test.each([
  ['0s', 0],
  ['0h', 0],
  ['500ms', 500],
  ['10s', 10_000],
  ['1m', 60_000],
  ['1h30m', 5_400_000],
  ['1h10m5s7ms', 4_205_007],
  ['3600s', 3_600_000],
  ['1h1h', 7_200_000],
  ['99999h', 359_996_400_000],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
  expect(parseDurationOrSeconds(text)).toBe(ms);
});

test.each(['', '0', '10', '1.5h', '-1s', '+1s', '1 s', ' 1s', '1s ', '1d', '1H', 's', '100000s', '1us', '1h1h1h1h1h'])(
  '%j is no duration',
  (text) => expect(parseDuration(text)).toBeUndefined(),
);

test.each([
  [5, 5000],
  ['5', 5000],
  [0, 0],
  [99_999, 99_999_000],
])('%j is %d ms where seconds are meant', (value, ms) => expect(parseDurationOrSeconds(value)).toBe(ms));

test.each([1.5, -1, 100_000, Number.NaN, Number.POSITIVE_INFINITY, '1.5', '-1', '', '1e3', '0x10'])(
  '%j is no number of seconds',
  (value) => expect(parseDurationOrSeconds(value)).toBeUndefined(),
);

test('what is formatted is parsed again', () => {
  expect(formatDuration(5_400_000)).toBe('1h30m');
  expect(formatDuration(0)).toBe('0s');
  const milliseconds = fc.integer({ min: 0, max: 99_999 * 3_600_000 });
  fc.assert(
    fc.property(milliseconds, (ms) => parseDuration(formatDuration(ms)) === ms),
    { seed: 2257 },
  );
});
