import { ManualTimers } from '@sluice/shared/testing/manual-timers';
import { expect, test } from 'vitest';
import { BURST_LINES_MAX, BURST_MS, Burst } from './burst.js';

function setUp() {
  const timers = new ManualTimers();
  const told: number[] = [];
  const burst = new Burst(timers, (more) => told.push(more));
  const take = (count: number) => Array.from({ length: count }, () => burst.take()).filter(Boolean).length;
  return { timers, told, burst, take };
}

test('of many lines in a second some are written, and then how many more there were', async () => {
  const { timers, told, take } = setUp();
  expect(take(2000)).toBe(BURST_LINES_MAX);
  expect(told).toEqual([]);
  await timers.pass(BURST_MS);
  expect(told).toEqual([2000 - BURST_LINES_MAX]);
  expect(take(3)).toBe(3);
  await timers.pass(BURST_MS);
  expect(told).toHaveLength(1);
});

test('what was not written yet is told at the end, once', async () => {
  const { timers, told, burst, take } = setUp();
  take(BURST_LINES_MAX + 1);
  burst.close();
  burst.close();
  await timers.pass(BURST_MS);
  expect(told).toEqual([1]);
});
