import { expect, test } from 'vitest';
import { ownerOf } from '../snapshot/owners.js';
import { DEFAULT_REMOVAL } from '../snapshot/service-policy.js';
import { aBackend, aListener, aMatch, aRule, aService, aSnapshot } from '../testing/snapshots.js';
import { decodeRemovals, encodeRemovals, removalsOf } from './removals.js';

const close = { ...DEFAULT_REMOVAL, action: 'close' } as const;
const drain = { ...DEFAULT_REMOVAL, action: 'drain' } as const;

const [a, b] = [
  aListener({ name: 'a', removal: close, hosts: [{ hostname: '', matches: [aMatch(0), aMatch(1), aMatch(2)] }] }),
  aListener({ name: 'b', port: 81, hosts: [{ hostname: '', matches: [aMatch(1)] }] }),
];
const whole = aSnapshot({
  listeners: [a, b],
  rules: ['d/one', 'd/two', 'd/one'].map((route) => aRule(route, { backends: [aBackend(0)] })),
  routes: [
    { name: 'd/one', removal: drain },
    { name: 'd/two', removal: DEFAULT_REMOVAL },
    { name: 'd/nowhere', removal: close },
  ],
  services: [aService('d/s/80')],
});

/** The listeners' actions, and their routes' by `listener route`. */
function actions(snapshot: typeof whole): Record<string, string | undefined> {
  const { policies, listeners } = decodeRemovals(encodeRemovals(removalsOf(snapshot)));
  return Object.fromEntries(
    listeners.flatMap(({ listener, policy, routes }) => [
      [listener, policies[policy]?.action] as const,
      ...routes.map(([route, , place]) => [`${listener} ${route}`, policies[place]?.action] as const),
    ]),
  );
}

test('the policies of what stands: each listener, and each route at each of them', () => {
  expect(actions(whole)).toEqual({
    'default/main/a': 'close',
    'default/main/a d/one': 'drain',
    'default/main/a d/two': 'keep',
    'default/main/b': 'keep',
    'default/main/b d/two': 'keep',
  });
});

test('a route that is detached from one listener is not there any more', () => {
  const detached = { ...a, hosts: [{ hostname: '', matches: [aMatch(0)] }] };
  expect(Object.keys(actions({ ...whole, listeners: [detached, b] }))).toEqual([
    'default/main/a',
    'default/main/a d/one',
    'default/main/b',
    'default/main/b d/two',
  ]);
});

test('owners are those of listener and route, or as they are numbered', () => {
  const owners = (snapshot: ReturnType<typeof removalsOf>) =>
    snapshot.listeners.flatMap(({ routes }) => routes.map(([, owner]) => owner));
  expect(owners(removalsOf(whole))).toEqual([ownerOf(a, 'd/one'), ownerOf(a, 'd/two'), ownerOf(b, 'd/two')]);
  expect(owners(removalsOf(whole, ({ name }) => name.charCodeAt(0)))).toEqual([97, 97, 98]);
});
