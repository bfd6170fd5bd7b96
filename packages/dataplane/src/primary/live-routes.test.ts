import { type Removals, removalsOf } from '@sluice/shared/configuration/removals';
import type { OwnerOf } from '@sluice/shared/snapshot/owners';
import { DEFAULT_REMOVAL, type LiveAction, type RemovalSnapshot } from '@sluice/shared/snapshot/service-policy';
import { aBackend, aListener, aMatch, aRule, aService, aSnapshot } from '@sluice/shared/testing/snapshots';
import { expect, test } from 'vitest';
import type { ToWorker } from '../worker/messages.js';
import { LiveRoutes } from './live-routes.js';

const policy = (action: LiveAction): RemovalSnapshot => ({
  ...DEFAULT_REMOVAL,
  action,
  drainDeadlineMs: 1000,
  closeWindowMs: 50,
});

type Routes = Readonly<Record<string, LiveAction>>;

/** The number at the end of a route's name. */
const byNumber: OwnerOf = (_, route) => Number(/\d+$/.exec(route)?.[0]);

/** Listeners with what they and their routes say; the same route at two listeners says the same. */
function stands(listeners: Readonly<Record<string, readonly [LiveAction, Routes]>>, owner = byNumber): Removals {
  const all = Object.entries(listeners);
  const routes = new Map(all.flatMap(([, [, attached]]) => Object.entries(attached)));
  const rules = [...routes.keys()];
  const snapshot = aSnapshot({
    listeners: all.map(([name, [action, attached]]) => {
      const matches = Object.keys(attached).map((route) => aMatch(rules.indexOf(route)));
      return aListener({ name, removal: policy(action), hosts: [{ hostname: '', matches }] });
    }),
    rules: rules.map((route) => aRule(route, { backends: [aBackend(0)] })),
    routes: [...routes].map(([name, action]) => ({ name, removal: policy(action) })),
    services: [aService('d/s/80')],
  });
  return removalsOf(snapshot, owner);
}

function setUp({ room = Number.POSITIVE_INFINITY, goneMax = 100 } = {}) {
  const [calls, said, held] = [[] as string[], [] as string[], new Set<number>()];
  const [time, posted] = [{ nowMs: 0 }, [] as ToWorker[]];
  const native = {
    engineEndOwner: (engine: number, owner: number, reason: string, afterMs: number, windowMs: number) => {
      if (held.size >= room && !held.has(owner)) throw new Error('no room');
      held.add(owner);
      calls.push(`end ${engine} ${owner} ${reason} ${afterMs} ${windowMs}`);
    },
    engineKeepOwner: (engine: number, owner: number) => {
      held.delete(owner);
      calls.push(`keep ${engine} ${owner}`);
    },
  };
  const log = {
    error: (_: unknown, message: string) => void said.push(message),
    warn: ({ route }: { route: string }) => void said.push(route),
  };
  const post = (message: ToWorker) => posted.push(message);
  const routes = new LiveRoutes({ native, engines: [7], post, log: log as never, nowMs: () => time.nowMs, goneMax });
  return { routes, calls, said, time, posted };
}

test('a route that is removed ends as it said while it stood; one that comes back is kept', () => {
  const { routes, calls, posted } = setUp();
  routes.update(stands({ a: ['keep', { r1: 'close', r2: 'close' }] }));
  routes.update(stands({ a: ['keep', { r2: 'close' }] }));
  expect(calls.splice(0)).toEqual(['end 7 1 route-removed 0 50']);
  const told = { type: 'end', of: 'route', number: 1, reason: 'route-removed', afterMs: 0, windowMs: 50 };
  expect(posted).toEqual([told]);
  routes.update(stands({ a: ['keep', { r2: 'close' }] }));
  expect(calls).toEqual([]);
  routes.update(stands({ a: ['keep', { r1: 'keep', r2: 'close' }] }));
  expect(calls.splice(0)).toEqual(['keep 7 1']);
  routes.update(stands({ a: ['keep', { r2: 'close' }] }));
  expect(calls).toEqual([]);
});

test('a listener that is removed counts before its route, and a drain turns into a close', () => {
  const { routes, calls } = setUp();
  routes.update(stands({ a: ['keep', { r1: 'drain' }] }));
  routes.update(stands({ a: ['close', {}] }));
  routes.update(stands({}));
  expect(calls).toEqual(['end 7 1 route-removed 1000 50', 'end 7 1 listener-removed 0 50']);
});

test('a route that is detached from one listener goes on at the other', () => {
  const { routes, calls } = setUp();
  const owner: OwnerOf = ({ name }) => name.charCodeAt(0);
  routes.update(stands({ a: ['keep', { r: 'close' }], b: ['keep', { r: 'close' }] }, owner));
  routes.update(stands({ a: ['keep', {}], b: ['keep', { r: 'close' }] }, owner));
  expect(calls).toEqual(['end 7 97 route-removed 0 50']);
});

test('thousands of routes that are removed at once all end', () => {
  const { routes, calls } = setUp({ room: 16_384, goneMax: 16_384 });
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`r${at + 1}`, 'close' as const]));
  routes.update(stands({ a: ['keep', { ...many, stays0: 'close' }] }));
  routes.update(stands({ a: ['keep', { stays0: 'close' }] }));
  expect(new Set(calls).size).toBe(5000);
  expect(calls).toHaveLength(5000);
});

test('whose owner is that of a route that stands is not ended, and that is said, once', () => {
  const { routes, calls, said } = setUp();
  routes.update(stands({ a: ['keep', { 'x-1': 'close', 'y-1': 'keep', z2: 'close' }] }));
  routes.update(stands({ a: ['keep', { 'y-1': 'keep' }] }));
  routes.update(stands({ a: ['keep', { 'y-1': 'keep' }] }));
  expect(calls).toEqual(['end 7 2 route-removed 0 50']);
  expect(said).toEqual(['x-1']);
});

test('a route that comes with the owner of one that is gone takes its order back', () => {
  const { routes, calls, said } = setUp();
  routes.update(stands({ a: ['keep', { 'x-1': 'drain' }] }));
  routes.update(stands({ a: ['keep', {}] }));
  routes.update(stands({ a: ['keep', { 'y-1': 'close' }] }));
  expect(calls.splice(0)).toEqual(['end 7 1 route-removed 1000 50', 'keep 7 1']);
  routes.update(stands({ a: ['keep', {}] }));
  expect(calls).toEqual([]);
  expect(said).toEqual(['x-1', 'y-1']);
});

test('what an engine has no room for ends when orders before it have been carried out', () => {
  const { routes, calls, said, time } = setUp({ room: 2, goneMax: 2 });
  routes.update(stands({ a: ['keep', { r1: 'close', r2: 'close', r3: 'close', r4: 'close' }] }));
  routes.update(stands({ a: ['keep', { r4: 'close' }] }));
  routes.retry();
  expect(calls.splice(0)).toEqual(['end 7 1 route-removed 0 50', 'end 7 2 route-removed 0 50']);
  expect(said).toHaveLength(1);
  time.nowMs = 3_600_000;
  routes.retry();
  routes.retry();
  expect(calls.splice(0)).toEqual(['keep 7 1', 'end 7 3 route-removed 0 50']);
  routes.update(stands({ a: ['keep', {}] }));
  routes.retry();
  expect(calls).toEqual(['keep 7 2', 'end 7 4 route-removed 0 50']);
});

test('what nobody has to be told of is forgotten before what is to be ended', () => {
  const { routes, calls } = setUp({ goneMax: 2 });
  const kept = { r1: 'drain', r2: 'keep', r3: 'keep', r4: 'keep' } as const;
  routes.update(stands({ a: ['close', { ...kept, r5: 'drain' }] }));
  routes.update(stands({ a: ['close', { r5: 'drain' }] }));
  routes.retry();
  expect(calls.splice(0)).toEqual(['end 7 1 route-removed 1000 50']);
  routes.update(stands({}));
  const now = (owner: number) => `end 7 ${owner} listener-removed 0 50`;
  expect(calls).toEqual([now(1), now(5)]);
});
