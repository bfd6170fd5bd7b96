import { describe, expect, it } from 'vitest';
import { CLOSING_MAX_MS, CLOSING_STALL_MS, drainPhase } from './drain.js';

describe('drainPhase', () => {
  it('is done as soon as no connection is open', () => {
    expect(drainPhase(0, 0, 0, 30_000)).toBe('done');
    expect(drainPhase(30_500, 0, 0, 30_000)).toBe('done');
  });

  it('waits up to the drain timeout, however long nothing ends, then closes', () => {
    expect(drainPhase(29_999, 1, 29_999, 30_000)).toBe('waiting');
    expect(drainPhase(30_000, 1, 30_000, 30_000)).toBe('closing');
  });

  it('goes on closing while connections end, but not without bound', () => {
    expect(drainPhase(30_000 + CLOSING_MAX_MS - 1, 1, 10, 30_000)).toBe('closing');
    expect(drainPhase(30_000 + CLOSING_MAX_MS, 1, 10, 30_000)).toBe('done');
  });

  it('gives up when nothing ends any more', () => {
    expect(drainPhase(30_000 + CLOSING_STALL_MS - 1, 1, 30_000, 30_000)).toBe('closing');
    expect(drainPhase(30_000 + CLOSING_STALL_MS, 1, CLOSING_STALL_MS, 30_000)).toBe('done');
  });

  it('closes at once with a drain timeout of 0', () => {
    expect(drainPhase(0, 3, 0, 0)).toBe('closing');
  });
});
