import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KeyTable, KeyWriter, NO_KEY } from './key-table.js';

type Keys = readonly (readonly [scope: number, text: string, value: number])[];

function tableOf(keys: Keys): KeyTable {
  const writer = new KeyWriter();
  for (const key of keys) writer.add(...key);
  return new KeyTable(writer.finish());
}

it('scopes are given once', () => {
  const writer = new KeyWriter();
  expect([writer.reserve(), writer.reserve(3), writer.reserve()]).toEqual([1, 2, 5]);
});

it('without keys nothing is found', () => {
  expect(tableOf([]).find(1, '')).toBe(NO_KEY);
});

it('a text leads to its value in its own scope alone', () => {
  const table = tableOf([
    [1, 'a', 10],
    [2, 'a', 20],
    [1, '', 30],
    [1, 'ü\ud800', 40],
  ]);
  expect([table.find(1, 'a'), table.find(2, 'a'), table.find(3, 'a')]).toEqual([10, 20, NO_KEY]);
  expect([table.find(1, ''), table.find(2, ''), table.find(1, 'ü\ud800'), table.find(1, 'ü')]).toEqual([
    30,
    NO_KEY,
    40,
    NO_KEY,
  ]);
});

it('a part of a text is looked up where it stands', () => {
  const table = tableOf([[7, '/a/b', 1]]);
  expect([table.find(7, 'x/a/b/c', 1, 5), table.find(7, 'x/a/b/c', 1, 4), table.find(7, '/a/bc')]).toEqual([
    1,
    NO_KEY,
    NO_KEY,
  ]);
});

it('the hash grows with the text', () => {
  const table = tableOf([
    [1, '/a', 1],
    [1, '/a/b', 2],
  ]);
  const path = '/a/b/c';
  let state = table.start(1);
  const found: number[] = [];
  for (let end = 0; end <= path.length; end++) {
    found.push(table.findHashed(1, path, 0, end, state));
    state = KeyTable.step(state, path.charCodeAt(end));
  }
  expect(found).toEqual([NO_KEY, NO_KEY, 1, NO_KEY, 2, NO_KEY, NO_KEY]);
});

it('gives what a map gives', () => {
  const key = fc.tuple(
    fc.integer({ min: 1, max: 3 }),
    fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 4 }),
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(key, { selector: String, maxLength: 60 }),
      fc.array(key, { minLength: 20 }),
      (keys, asked) => {
        const map = new Map(keys.map((each, value) => [String(each), value]));
        const table = tableOf(keys.map(([scope, text], value) => [scope, text, value] as const));
        for (const each of [...keys, ...asked]) expect(table.find(...each)).toBe(map.get(String(each)) ?? NO_KEY);
      },
    ),
    { seed: 3, numRuns: 500 },
  );
});

it.each([
  ['numbered', (index: number): string => `/team-${index % 100}/app-${index}`],
  ['of one letter', (index: number): string => 'a'.repeat(index % 400) + index],
  ['hostnames', (index: number): string => `site-${index}.example.com`],
])('no look-up probes many slots: keys %s', (_, text) => {
  const table = tableOf(Array.from({ length: 10_000 }, (_, index) => [1 + (index % 7), text(index), index] as const));
  expect(table.probesMax).toBeLessThanOrEqual(40);
  expect(table.find(1, text(7))).toBe(7);
});
