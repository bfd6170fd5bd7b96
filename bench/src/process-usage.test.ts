import { expect, test } from 'vitest';
import { cpuSpentNs } from './process-usage.js';

test('a thread that ended takes nothing off the others, one that began counts whole', () => {
  const before = new Map([
    ['1', 100],
    ['2', 5000],
  ]);
  const after = new Map([
    ['1', 130],
    ['3', 7],
  ]);
  expect(cpuSpentNs(before, after)).toBe(37);
});
