import { describe, expect, it } from 'vitest';
import { estimate, median, seededRandom, shuffled } from './statistics.js';

describe('statistics', () => {
  it('takes the middle value, or the mean of the two in the middle', () => {
    expect(median([5, 1, 9])).toBe(5);
    expect(median([4, 1, 9, 2])).toBe(3);
    expect(median([])).toBeNaN();
  });

  it('gives the same interval for the same seed, around the median', () => {
    const values = [10, 11, 12, 13, 14, 15, 16, 17, 18, 30];
    const first = estimate(values, seededRandom(7));
    expect(first).toEqual(estimate(values, seededRandom(7)));
    expect(first.n).toBe(10);
    expect(first.low).toBeLessThanOrEqual(first.median);
    expect(first.high).toBeGreaterThanOrEqual(first.median);
    expect(first.high).toBeLessThan(30);
  });

  it('has no width when every value is the same', () => {
    expect(estimate([3, 3, 3], seededRandom(1))).toEqual({ median: 3, low: 3, high: 3, n: 3 });
  });

  it('shuffles without losing anything', () => {
    const items = ['a', 'b', 'c', 'd'];
    expect([...shuffled(items, seededRandom(3))].sort()).toEqual(items);
  });
});
