import { DEFAULT_REMOVAL, type LiveAction, type RemovalSnapshot } from '@sluice/shared/snapshot/service-policy';
import { expect, test } from 'vitest';
import { LiveRoutes } from './live-routes.js';

const policy = (action: LiveAction): RemovalSnapshot => ({
  ...DEFAULT_REMOVAL,
  action,
  drainDeadlineMs: 1000,
  closeWindowMs: 50,
});
const OTHER = { listener: null, route: null };
const GONE = { listener: null, route: null };

function setUp() {
  const calls: string[] = [];
  const native = {
    engineEndGroup: (engine: number, group: number, reason: string, afterMs: number, windowMs: number) => {
      calls.push(`end ${engine} ${group} ${reason} ${afterMs} ${windowMs}`);
    },
    engineKeepGroup: (engine: number, group: number) => void calls.push(`keep ${engine} ${group}`),
  };
  const routes = new LiveRoutes({ native, engines: [7], log: { error: () => {} }, nowMs: () => 0 });
  return { routes, calls };
}

test('a route that is removed ends as it said while it stood; one that comes back is kept', () => {
  const { routes, calls } = setUp();
  const standing = { listener: policy('keep'), route: policy('close') };
  routes.update([OTHER, standing]);
  routes.update([OTHER, { ...standing, route: null }]);
  expect(calls.splice(0)).toEqual(['end 7 1 route-removed 0 50']);
  routes.update([OTHER, { ...standing, route: null }]);
  expect(calls).toEqual([]);
  routes.update([OTHER, { ...standing, route: policy('keep') }]);
  expect(calls.splice(0)).toEqual(['keep 7 1']);
  routes.update([OTHER, { ...standing, route: null }]);
  expect(calls).toEqual([]);
});

test('a listener that is removed counts before its route, and a drain turns into a close', () => {
  const { routes, calls } = setUp();
  routes.update([OTHER, { listener: policy('close'), route: policy('drain') }]);
  routes.update([OTHER, { listener: policy('close'), route: null }]);
  routes.update([OTHER, GONE]);
  expect(calls).toEqual(['end 7 1 route-removed 1000 50', 'end 7 1 listener-removed 0 50']);
});

test('everything without a group of its own is never ended', () => {
  const { routes, calls } = setUp();
  routes.update([{ listener: policy('close'), route: policy('close') }]);
  routes.update([GONE]);
  expect(calls).toEqual([]);
});
