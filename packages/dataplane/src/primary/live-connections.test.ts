import { EndpointStatus } from '@sluice/shared/health/board';
import type { LiveAction } from '@sluice/shared/snapshot/service-policy';
import { beforeEach, expect, test } from 'vitest';
import { LiveConnections } from './live-connections.js';

const calls: unknown[][] = [];
beforeEach(() => calls.splice(0));

const live = (engines: readonly number[] = [0]) =>
  new LiveConnections(
    {
      engineEndEndpoint: (...call) => calls.push(['end', ...call]),
      engineKeepEndpoint: (...call) => calls.push(['keep', ...call]),
    },
    engines,
  );
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

test('close and drain reach every engine, with their reason, until the endpoint is usable again', () => {
  const connections = live([0, 1]);
  const mixed = policy('close', 'drain', 'keep');
  connections.onStatus(7, EndpointStatus.unhealthy, mixed);
  connections.onStatus(7, EndpointStatus.healthy, mixed);
  connections.onStatus(7, EndpointStatus.draining, mixed);
  connections.onStatus(7, EndpointStatus.unknown, mixed);
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

test('a slot that gets another endpoint is kept again', () => {
  const connections = live();
  connections.onStatus(3, EndpointStatus.removed, policy('keep', 'keep', 'close'));
  connections.forget(3);
  connections.forget(3);
  expect(calls.slice(1)).toEqual([['keep', 0, 3]]);
});
