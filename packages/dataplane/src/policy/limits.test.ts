import { DEFAULT_LIMITS, type LimitsSnapshot } from '@sluice/shared/snapshot/rule-policy';
import { expect, it } from 'vitest';
import { answerMs, connectMs, idleMs, lifetimeMs, requestMs } from './limits.js';

const OPTIONS = { connectTimeoutMs: 5000, answerTimeoutMs: 60_000, streamIdleTimeoutMs: 300_000, lifetimeMs: 0 };
const ROUTE = { requestMs: 0, connectMs: 5000, answerMs: 60_000, idleMs: 300_000, lifetimeMs: 0 };

it.each<[string, Partial<LimitsSnapshot>, Partial<typeof ROUTE>]>([
  ['nothing', {}, {}],
  ['zeros', { requestMs: 0, backendRequestMs: 0, connectMs: 0, idleMs: 0, lifetimeMs: 0 }, { idleMs: 0 }],
  ['connect', { connectMs: 100 }, { connectMs: 100 }],
  ['a short request', { requestMs: 500 }, { requestMs: 500, answerMs: 500 }],
  ['a long request', { requestMs: 90_000 }, { requestMs: 90_000, answerMs: 90_000 }],
  ['each attempt', { backendRequestMs: 90_000 }, { answerMs: 90_000 }],
  [
    'each attempt, longer than the request',
    { requestMs: 500, backendRequestMs: 900 },
    { requestMs: 500, answerMs: 500 },
  ],
  ['each attempt, shorter', { requestMs: 500, backendRequestMs: 200 }, { requestMs: 500, answerMs: 200 }],
  ['a request without attempts', { requestMs: 500, backendRequestMs: 0 }, { requestMs: 500, answerMs: 500 }],
  ['idle and lifetime', { idleMs: 1000, lifetimeMs: 2000 }, { idleMs: 1000, lifetimeMs: 2000 }],
])('of %s', (_name, given, expected) => {
  const limits = { ...DEFAULT_LIMITS, ...given };
  const all = {
    requestMs: requestMs(limits),
    connectMs: connectMs(limits, OPTIONS),
    answerMs: answerMs(limits, OPTIONS),
    idleMs: idleMs(limits, OPTIONS),
    lifetimeMs: lifetimeMs(limits, OPTIONS, () => 0.5),
  };
  expect(all).toEqual({ ...ROUTE, ...expected });
});

it('a lifetime is shortened by up to its jitter, never to none', () => {
  const limits = { ...DEFAULT_LIMITS, lifetimeMs: 1000, lifetimeJitter: 0.4 };
  expect([0, 0.5, 0.999999].map((random) => lifetimeMs(limits, OPTIONS, () => random))).toEqual([1000, 800, 600]);
  expect(lifetimeMs({ ...limits, lifetimeMs: 1, lifetimeJitter: 1 }, OPTIONS, () => 0.9)).toBe(1);
  expect(lifetimeMs({ ...limits, lifetimeMs: null }, { ...OPTIONS, lifetimeMs: 500 }, () => 0.5)).toBe(400);
  expect(lifetimeMs({ ...limits, lifetimeMs: null }, OPTIONS, () => 0.5)).toBe(0);
});
