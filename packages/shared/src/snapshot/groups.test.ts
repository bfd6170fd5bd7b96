import type { Snapshot } from '@sluice/shared/snapshot/snapshot';
import { describe, expect, it } from 'vitest';
import { aBackend, aListener, aMatch, aRule, aService, aSnapshot, viewOf } from '../testing/snapshots.js';
import { assignGroups, GROUPS_MAX, OTHER_GROUP } from './groups.js';
import { encodeSnapshot, openSnapshot } from './view.js';

/** `rules`: route and backends of each rule; `listeners`: name and rules of each listener. */
function snapshot(
  rules: readonly (readonly [route: string, backends: readonly number[]])[],
  listeners: readonly (readonly [name: string, rules: readonly number[]])[],
  services: readonly string[],
): Snapshot {
  return aSnapshot({
    services: services.map((name) => aService(name)),
    rules: rules.map(([route, backends], index) =>
      aRule(route, { index, backends: backends.map((each) => aBackend(each)) }),
    ),
    listeners: listeners.map(([name, reached]) =>
      aListener({ name, gateway: 'ns/edge', hosts: [{ hostname: '', matches: reached.map((rule) => aMatch(rule)) }] }),
    ),
  });
}

const SMALL = snapshot(
  [
    ['ns/a', [0, 1]],
    ['ns/a', [1]],
    ['ns/b', [-1]],
  ],
  [
    ['http', [0, 1]],
    ['other', [2]],
  ],
  ['ns/x/80', 'ns/y/80'],
);

function grouped(of: Snapshot) {
  return viewOf(of);
}

describe('the groups of a snapshot', () => {
  it('are its listeners, and what their rules lead to', () => {
    const [http, other] = ['ns/edge/http', 'ns/edge/other'];
    expect(assignGroups(SMALL).map(({ listener, route, service }) => `${listener} ${route} ${service}`)).toEqual([
      'other other other',
      `${http} - -`,
      `${other} - -`,
      `${http} ns/a ns/x/80`,
      `${http} ns/a ns/y/80`,
      `${other} ns/b -`,
    ]);
  });

  it('are found by index, whatever is not known', () => {
    const { group } = grouped(SMALL);
    expect([group(0, -1, -1), group(1, -1, -1)]).toEqual([1, 2]);
    expect([group(0, 0, -1), group(0, 1, -1)]).toEqual([1, 1]);
    expect([group(0, 0, 0), group(0, 0, 1), group(0, 1, 1)]).toEqual([3, 4, 4]);
    expect(group(1, 2, -1)).toBe(5);
  });

  it('take in group 0 what they do not have', () => {
    const { group } = grouped(SMALL);
    expect([group(-1, -1, -1), group(1, 0, 0), group(0, 99, 0), group(9, 0, 0)]).toEqual([0, 0, 0, 0]);
  });

  it('keep their numbers over changes, and numbers of what is gone are not given again', () => {
    const before = assignGroups(SMALL);
    const after = snapshot([['ns/c', [0]]], [['http', [0]]], ['ns/y/80']);
    const groups = assignGroups(after, before);
    expect(groups.slice(0, before.length)).toEqual(before);
    expect(groups.slice(before.length).map(({ route, service }) => `${route} ${service}`)).toEqual(['ns/c ns/y/80']);
    const { group } = openSnapshot(encodeSnapshot(after, before));
    expect([group(0, -1, -1), group(0, 0, 0)]).toEqual([1, before.length]);
    expect(assignGroups(SMALL, groups)).toEqual(groups);
  });

  it('have an end: listeners first, the rest is counted together', () => {
    const services = Array.from({ length: 3 * GROUPS_MAX }, (_, index) => `ns/s${index}/80`);
    const many = snapshot(
      services.map((_, index) => [`ns/r${index}`, [index]] as const),
      [
        ['first', services.map((_, index) => index)],
        ['last', [0]],
      ],
      services,
    );
    const { groups, group } = grouped(many);
    expect(groups.length).toBe(GROUPS_MAX);
    expect([group(0, -1, -1), group(1, -1, -1)]).toEqual([1, 2]);
    expect(group(0, 0, 0)).toBeGreaterThan(OTHER_GROUP);
    expect(group(0, 3 * GROUPS_MAX - 1, 3 * GROUPS_MAX - 1)).toBe(OTHER_GROUP);
  });
});
