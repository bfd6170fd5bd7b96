import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Endings } from './endings.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const order = { of: 'endpoint', number: 7, reason: 'endpoint-removed', afterMs: 1000, windowMs: 100 } as const;

function scene() {
  const ended: string[] = [];
  const moments = [0, 0.5, 0.9];
  const endings = new Endings(() => moments.shift() ?? 0);
  const hold = (name: string, endpoint: number, route: number) =>
    endings.hold(endpoint, route, (reason) => ended.push(`${name} ${reason}`));
  return { ended, endings, hold };
}

test('what is under way at the number ends, spread over the window', () => {
  const { ended, endings, hold } = scene();
  hold('a', 7, 1);
  hold('b', 7, 2);
  hold('c', 8, 1);
  endings.end(order);
  hold('late', 7, 1);
  vi.advanceTimersByTime(999);
  expect(ended).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(ended).toEqual(['a endpoint-removed']);
  vi.advanceTimersByTime(100_000);
  expect(ended).toEqual(['a endpoint-removed', 'b endpoint-removed']);
});

test('routes and endpoints have numbers of their own', () => {
  const { ended, endings, hold } = scene();
  hold('a', 7, 1);
  hold('b', 1, 7);
  endings.end({ ...order, of: 'route', reason: 'route-removed' });
  vi.runAllTimers();
  expect(ended).toEqual(['b route-removed']);
});

test('what is over, or is kept after all, is not ended', () => {
  const { ended, endings, hold } = scene();
  const release = hold('a', 7, 1);
  hold('b', 7, 2);
  endings.end(order);
  release();
  endings.keep({ of: 'route', number: 7 });
  endings.keep({ of: 'endpoint', number: 7 });
  vi.runAllTimers();
  expect([ended, vi.getTimerCount()]).toEqual([[], 0]);
});

test('a later order for the same takes the place of the one before', () => {
  const { ended, endings, hold } = scene();
  hold('a', 7, 1);
  endings.end({ ...order, afterMs: 60_000, reason: 'endpoint-draining' });
  endings.end({ ...order, afterMs: 0, windowMs: 0 });
  vi.runAllTimers();
  expect(ended).toEqual(['a endpoint-removed']);
});
