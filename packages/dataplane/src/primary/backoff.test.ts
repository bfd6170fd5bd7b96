import { describe, expect, it } from 'vitest';
import { failuresAfter, restartDelayMs } from './backoff.js';

describe('restartDelayMs', () => {
  it('is nothing at first, doubles, and is bounded', () => {
    expect([0, 1, 2, 3, 4].map(restartDelayMs)).toEqual([0, 100, 200, 400, 800]);
    expect(restartDelayMs(6)).toBe(3200);
    expect(restartDelayMs(7)).toBe(5000);
    expect(restartDelayMs(5000)).toBe(5000);
  });
});

describe('failuresAfter', () => {
  it('forgets the failures of a worker that has lived for a minute', () => {
    expect(failuresAfter(7, 59_999)).toBe(7);
    expect(failuresAfter(7, 60_000)).toBe(0);
  });
});
