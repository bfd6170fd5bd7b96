import { EndpointStatus } from '@sluice/shared/health/board';
import type { LiveAction } from '@sluice/shared/snapshot/service-policy';
import { beforeEach, expect, test } from 'vitest';
import type { ToWorker } from '../worker/messages.js';
import { LiveConnections } from './live-connections.js';

const calls: unknown[][] = [];
/** Engines without room for another order. */
const full = new Set<number>();
const time = { nowMs: 1000 };
const errors: string[] = [];
const posted: ToWorker[] = [];
beforeEach(() => {
  calls.splice(0);
  errors.splice(0);
  posted.splice(0);
  full.clear();
});

const live = (engines: readonly number[] = [0]) =>
  new LiveConnections({
    native: {
      engineEndEndpoint: (...call) => {
        if (full.has(call[0])) throw Object.assign(new Error('no room'), { code: 'ERR_SLUICE_ENDINGS' });
        calls.push(['end', ...call]);
      },
      engineKeepEndpoint: (...call) => calls.push(['keep', ...call]),
    },
    engines,
    post: (message) => posted.push(message),
    log: { error: (_detail: unknown, message: string) => errors.push(message) } as never,
    nowMs: () => time.nowMs,
  });
const policy = (unhealthy: LiveAction, draining: LiveAction, removed: LiveAction) => ({
  unhealthy,
  draining,
  removed,
  drainDeadlineMs: 5000,
  closeWindowMs: 100,
});

test('keep, the default, asks nothing of the engines', () => {
  const connections = live();
  for (const status of Object.values(EndpointStatus)) connections.onStatus(1, status, policy('keep', 'keep', 'keep'));
  connections.forget(1);
  expect(calls).toEqual([]);
});

test('close and drain reach every engine and the workers, with their reason, until the endpoint is usable again', () => {
  const connections = live([0, 1]);
  const mixed = policy('close', 'drain', 'keep');
  connections.onStatus(7, EndpointStatus.unhealthy, mixed);
  connections.onStatus(7, EndpointStatus.healthy, mixed);
  connections.onStatus(7, EndpointStatus.draining, mixed);
  connections.onStatus(7, EndpointStatus.unknown, mixed);
  const of = { of: 'endpoint', number: 7 };
  expect(posted.slice(0, 3)).toEqual([
    { type: 'end', ...of, reason: 'endpoint-unhealthy', afterMs: 0, windowMs: 100 },
    { type: 'keep', ...of },
    { type: 'end', ...of, reason: 'endpoint-draining', afterMs: expect.any(Number), windowMs: 100 },
  ]);
  expect(calls).toEqual([
    ['end', 0, 7, 'endpoint-unhealthy', 0, 100],
    ['end', 1, 7, 'endpoint-unhealthy', 0, 100],
    ['keep', 0, 7],
    ['keep', 1, 7],
    ['end', 0, 7, 'endpoint-draining', 5000, 100],
    ['end', 1, 7, 'endpoint-draining', 5000, 100],
    ['keep', 0, 7],
    ['keep', 1, 7],
  ]);
});

test('another reason for the same action puts no deadline off; another action replaces it', () => {
  const connections = live();
  connections.onStatus(3, EndpointStatus.unhealthy, policy('drain', 'drain', 'close'));
  connections.onStatus(3, EndpointStatus.draining, policy('drain', 'drain', 'close'));
  connections.onStatus(3, EndpointStatus.removed, policy('drain', 'drain', 'close'));
  expect(calls).toEqual([
    ['end', 0, 3, 'endpoint-unhealthy', 5000, 100],
    ['end', 0, 3, 'endpoint-removed', 0, 100],
  ]);
});

test('closing that has begun is not put off by a reason to drain', () => {
  const connections = live();
  connections.onStatus(3, EndpointStatus.unhealthy, policy('close', 'keep', 'drain'));
  connections.onStatus(3, EndpointStatus.removed, policy('close', 'keep', 'drain'));
  expect(calls).toEqual([['end', 0, 3, 'endpoint-unhealthy', 0, 100]]);
});

test('a slot that gets another endpoint is kept again', () => {
  const connections = live();
  connections.onStatus(3, EndpointStatus.removed, policy('keep', 'keep', 'close'));
  connections.forget(3);
  connections.forget(3);
  expect(calls.slice(1)).toEqual([['keep', 0, 3]]);
});

test('an engine without room is asked again, it alone, and its deadline is not put off', () => {
  const connections = live([0, 1]);
  full.add(1);
  connections.onStatus(3, EndpointStatus.draining, policy('keep', 'drain', 'keep'));
  connections.onStatus(4, EndpointStatus.draining, policy('keep', 'drain', 'keep'));
  time.nowMs += 2000;
  connections.retry();
  expect(errors).toHaveLength(1);
  full.clear();
  connections.retry();
  connections.retry();
  expect(calls).toEqual([
    ['end', 0, 3, 'endpoint-draining', 5000, 100],
    ['end', 0, 4, 'endpoint-draining', 5000, 100],
    ['end', 1, 3, 'endpoint-draining', 3000, 100],
    ['end', 1, 4, 'endpoint-draining', 3000, 100],
  ]);
});

test('an order that nobody wants any more is not given again', () => {
  const connections = live();
  full.add(0);
  connections.onStatus(3, EndpointStatus.unhealthy, policy('close', 'keep', 'close'));
  connections.onStatus(3, EndpointStatus.healthy, policy('close', 'keep', 'close'));
  connections.onStatus(4, EndpointStatus.removed, policy('close', 'keep', 'close'));
  connections.forget(4);
  full.clear();
  connections.retry();
  expect(calls.filter(([call]) => call === 'end')).toEqual([]);
});
