import { describe, expect, it, vi } from 'vitest';
import { aBackend, aListener, aMatch, aRule, aService, aSnapshot } from '../testing/snapshots.js';
import { assignGroups } from './groups.js';
import { encodeSnapshot, openSnapshot } from './view.js';

const HOSTS = [{ hostname: '', matches: [aMatch(0)] }];
const SNAPSHOT = aSnapshot({
  version: 'abc',
  listeners: [aListener({ name: 'a', hosts: HOSTS }), aListener({ name: 'ü', port: 81, normalisePaths: true })],
  rules: [aRule('ns/a', { backends: [aBackend(1)] }), aRule('ns/b', { broken: 'no “such” filter' })],
  services: [
    aService('ns/x/80'),
    aService('ns/y/80', { targets: [{ type: 'name', host: 'y', port: 1, draining: false }] }),
  ],
});

describe('a view', () => {
  const view = openSnapshot(encodeSnapshot(SNAPSHOT));

  it('says what the snapshot says', () => {
    const infos = SNAPSHOT.listeners.map(({ hosts: _, ...info }) => info);
    expect(view.version).toBe('abc');
    expect([view.listeners, view.routes]).toEqual([infos, SNAPSHOT.routes]);
    expect([view.listener(0), view.listener(1)]).toEqual(infos);
    expect([view.rule(0), view.rule(1)]).toEqual(SNAPSHOT.rules);
    expect([view.service(0), view.service(1)]).toEqual(SNAPSHOT.services);
    expect([view.serviceName(0), view.serviceName(1)]).toEqual(['ns/x/80', 'ns/y/80']);
    expect([view.ruleCount, view.serviceCount]).toEqual([2, 2]);
    expect(view.groups).toEqual(assignGroups(SNAPSHOT));
  });

  it('has nothing at other indexes', () => {
    for (const index of [-1, 2, 1e9, Number.NaN]) {
      expect([view.listener(index), view.rule(index), view.service(index)]).toEqual([undefined, undefined, undefined]);
      expect(view.serviceName(index)).toBe('');
    }
  });

  it('decodes a thing once', () => {
    expect(view.rule(0)).toBe(view.rule(0));
    expect(view.listeners).toBe(view.listeners);
    expect(view.listeners[1]).toBe(view.listener(1));
  });
});

it('equal snapshots are equal buffers', () => {
  expect(Buffer.from(encodeSnapshot(structuredClone(SNAPSHOT)))).toEqual(Buffer.from(encodeSnapshot(SNAPSHOT)));
});

it('the groups of the snapshot before keep their numbers', () => {
  const before = openSnapshot(encodeSnapshot(SNAPSHOT));
  const after = openSnapshot(encodeSnapshot(aSnapshot({ listeners: [aListener({ name: 'z' })] }), before.groups));
  expect(after.groups.slice(0, before.groups.length)).toEqual(before.groups);
  expect(after.group(0, -1, -1)).toBe(before.groups.length);
});

it('an empty snapshot has nothing', () => {
  const view = openSnapshot(encodeSnapshot(aSnapshot()));
  expect([view.listeners, view.routes, view.ruleCount, view.serviceCount]).toEqual([[], [], 0, 0]);
  expect(view.group(0, 0, 0)).toBe(0);
});

it('opening a large one does not read it', () => {
  const count = 3000;
  const rules = Array.from({ length: count }, (_, index) => aRule(`ns/r${index}`, { index }));
  const matches = rules.map((_, index) => aMatch(index, { path: `/p${index}` }));
  const buffer = encodeSnapshot(aSnapshot({ rules, listeners: [aListener({ hosts: [{ hostname: '', matches }] })] }));
  const parse = vi.spyOn(JSON, 'parse');
  const view = openSnapshot(buffer);
  expect(parse).not.toHaveBeenCalled();
  expect(view.rule(count - 1)?.route).toBe(`ns/r${count - 1}`);
  expect(parse).toHaveBeenCalledTimes(1);
  parse.mockRestore();
});

it('what is no snapshot is refused', () => {
  expect(() => openSnapshot(new SharedArrayBuffer(1000))).toThrow(TypeError);
});
