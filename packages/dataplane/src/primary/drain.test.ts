import { describe, expect, it } from 'vitest';
import { CLOSING_MS, drainPhase } from './drain.js';

describe('drainPhase', () => {
  it('is done as soon as no connection is open', () => {
    expect(drainPhase(0, 0, 30_000)).toBe('done');
    expect(drainPhase(30_500, 0, 30_000)).toBe('done');
  });

  it('waits up to the drain timeout, then closes, then gives up', () => {
    expect(drainPhase(29_999, 1, 30_000)).toBe('waiting');
    expect(drainPhase(30_000, 1, 30_000)).toBe('closing');
    expect(drainPhase(30_000 + CLOSING_MS, 1, 30_000)).toBe('done');
  });

  it('closes at once with a drain timeout of 0', () => {
    expect(drainPhase(0, 3, 0)).toBe('closing');
  });
});
