import { describe, expect, it } from 'vitest';
import { assignGroups } from '../snapshot/groups.js';
import { DEFAULT_REMOVAL } from '../snapshot/service-policy.js';
import { aBackend, aListener, aMatch, aRule, aService, aSnapshot } from '../testing/snapshots.js';
import { groupRemovals } from './removals.js';

const close = { ...DEFAULT_REMOVAL, action: 'close' } as const;
const drain = { ...DEFAULT_REMOVAL, action: 'drain' } as const;

const whole = aSnapshot({
  listeners: [
    aListener({ name: 'a', removal: close, hosts: [{ hostname: '', matches: [aMatch(0), aMatch(1)] }] }),
    aListener({ name: 'b', port: 81, hosts: [{ hostname: '', matches: [aMatch(1)] }] }),
  ],
  rules: ['d/one', 'd/two'].map((route) => aRule(route, { backends: [aBackend(0)] })),
  routes: [
    { name: 'd/one', removal: drain },
    { name: 'd/two', removal: DEFAULT_REMOVAL },
  ],
  services: [aService('d/s/80')],
});
const groups = assignGroups(whole);

/** `listener route` to the actions of listener and route; '' for what is not there. */
function actions(snapshot: typeof whole): Record<string, readonly string[]> {
  const removals = groupRemovals(snapshot, groups);
  return Object.fromEntries(
    groups.map(({ listener, route }, group) => {
      const { listener: ofListener, route: ofRoute } = removals[group] ?? {};
      return [`${listener} ${route}`, [ofListener?.action ?? '', ofRoute?.action ?? '']];
    }),
  );
}

describe('groupRemovals', () => {
  it('has the policies of what stands, by group', () => {
    expect(actions(whole)).toEqual({
      'other other': ['', ''],
      'default/main/a -': ['close', 'close'],
      'default/main/b -': ['keep', 'keep'],
      'default/main/a d/one': ['close', 'drain'],
      'default/main/a d/two': ['close', 'keep'],
      'default/main/b d/two': ['keep', 'keep'],
    });
  });

  it('has none of a route that is detached from one listener, or of a listener that is gone', () => {
    const [a, b] = whole.listeners;
    if (a === undefined || b === undefined) throw new Error('no listeners');
    const detached = { ...whole, listeners: [{ ...a, hosts: [{ hostname: '', matches: [aMatch(0)] }] }, b] };
    expect(actions(detached)).toMatchObject({
      'default/main/a d/one': ['close', 'drain'],
      'default/main/a d/two': ['close', ''],
      'default/main/b d/two': ['keep', 'keep'],
    });
    expect(actions({ ...whole, listeners: [b] })).toMatchObject({
      'default/main/a -': ['', ''],
      'default/main/a d/one': ['', ''],
      'default/main/b d/two': ['keep', 'keep'],
    });
  });
});
