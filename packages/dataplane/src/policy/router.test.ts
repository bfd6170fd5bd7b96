import type { HostSnapshot, MatchSnapshot, PathMatchType, Snapshot } from '@sluice/shared/snapshot/snapshot';
import { aListener, aMatch, aSnapshot, viewOf } from '@sluice/shared/testing/snapshots';
import { describe, expect, it } from 'vitest';
import { Field } from './field-name.js';
import { isRefusal } from './refusal.js';
import { createRouter } from './router.js';

type Paths = readonly (readonly [PathMatchType, string])[];

/** Builds snapshots whose rules are numbered in the order in which they are written down. */
function snapshot(listeners: Readonly<Record<string, Readonly<Record<string, Paths>>>>): Snapshot {
  let rules = 0;
  const host = ([hostname, paths]: [string, Paths]): HostSnapshot => ({
    hostname,
    matches: paths.map(([pathType, path]): MatchSnapshot => aMatch(rules++, { pathType, path })),
  });
  return aSnapshot({
    listeners: Object.entries(listeners).map(([hostname, hosts], index) =>
      aListener({ name: `l${index}`, hostname, hosts: Object.entries(hosts).map(host) }),
    ),
  });
}

const LONG = 'x'.repeat(4000);
const PLAIN = { method: 'GET', fields: [], query: undefined };
const ALL: Paths = [['PathPrefix', '/']];

/** `listener/rule` of the answer, or the code of the refusal. */
function routed(of: Snapshot, host: string, path: string, listeners = of.listeners.map((_, index) => index)): string {
  const router = createRouter(viewOf(of));
  const listener = router.listener(listeners, host);
  const result = isRefusal(listener) ? listener : router.route(listener, host, path, PLAIN);
  return isRefusal(result) ? `${result.status} ${result.code}` : `${result.listener}/${result.rule}`;
}

describe('paths', () => {
  const paths = snapshot({
    '': {
      '': [
        ['Exact', '/foo'],
        ['Exact', '/'],
        ['Exact', '/foo/'],
        ['PathPrefix', '/foo/bar'],
        ['PathPrefix', '/foo'],
        ['PathPrefix', '/foo'],
        ['PathPrefix', '/f'],
      ],
    },
  });

  it.each([
    ['/foo', '0/0'],
    ['/', '0/1'],
    ['/foo/', '0/2'],
    ['/foo/bar', '0/3'],
    ['/foo/bar/', '0/3'],
    ['/foo/bar/baz', '0/3'],
    ['/foo/barbaz', '0/4'],
    ['/foo//bar', '0/4'],
    ['/foo/x', '0/4'],
    ['/foobar', '404 no-route'],
    ['/f/x', '0/6'],
    ['/FOO', '404 no-route'],
    ['/%66oo', '404 no-route'],
    ['//foo', '404 no-route'],
  ])('%s', (path, expected) => {
    expect(routed(paths, 'a', path)).toBe(expected);
  });

  it('of many slashes cost no more than the longest prefix', () => {
    expect(routed(paths, 'a', `/foo${'/'.repeat(100_000)}`)).toBe('0/4');
  });
});

describe('hosts', () => {
  const hosts = snapshot({
    '': {
      'a.example.com': [['PathPrefix', '/exact']],
      '*.b.example.com': [['PathPrefix', '/long']],
      '*.example.com': [
        ['PathPrefix', '/short'],
        ['PathPrefix', '/long'],
      ],
      '': [['Exact', '/any']],
    },
  });

  it.each([
    ['an exact name', 'a.example.com', '/exact', '0/0'],
    ['a wildcard when no rule of the exact name fits', 'a.example.com', '/short', '0/2'],
    ['the host of every name when no other fits', 'a.example.com', '/any', '0/4'],
    ['the longest wildcard', 'x.b.example.com', '/long', '0/1'],
    ['a shorter wildcard when the longer has no rule', 'x.b.example.com', '/short', '0/2'],
    ['several labels for one wildcard', 'x.y.example.com', '/long', '0/3'],
    ['not the bare domain for a wildcard', 'example.com', '/long', '404 no-route'],
    ['not a name that only ends alike', 'badexample.com', '/long', '404 no-route'],
    ['an address', '[::1]', '/any', '0/4'],
    ['no host', '', '/any', '0/4'],
    ['not the wildcard itself', '*.example.com', '/exact', '404 no-route'],
  ])('%s', (_, host, path, expected) => {
    expect(routed(hosts, host, path)).toBe(expected);
  });
});

describe('listeners of one port', () => {
  const shared = snapshot({
    '': { '': ALL },
    '*.example.com': { '*.example.com': ALL },
    'a.example.com': { 'a.example.com': [['Exact', '/only']] },
    '*.b.example.com': {},
  });

  it.each([
    ['the exact one', 'a.example.com', '/only', '2/2'],
    ['the exact one alone, even when only others have a rule', 'a.example.com', '/x', '404 no-route'],
    ['the wildcard', 'c.example.com', '/x', '1/1'],
    ['the longest wildcard alone', 'c.b.example.com', '/x', '404 no-route'],
    ['the one of every host', 'example.com', '/x', '0/0'],
  ])('%s', (_, host, path, expected) => {
    expect(routed(shared, host, path)).toBe(expected);
  });

  it('are only those that are asked for', () => {
    expect(routed(shared, 'example.com', '/x', [1, 2])).toBe('404 no-route');
    expect(routed(shared, 'c.example.com', '/x', [0])).toBe('0/0');
    expect(routed(shared, 'c.example.com', '/x', [])).toBe('404 no-route');
    expect(() => routed(shared, 'a', '/', [4])).toThrow(RangeError);
    expect(() => createRouter(viewOf(shared)).route(4, 'a', '/', PLAIN)).toThrow(RangeError);
  });

  it('with one hostname: the first that is asked for', () => {
    const twice = snapshot({ 'a.test': { '': ALL }, '*.test': { '': ALL } });
    const again = aSnapshot({ listeners: [...twice.listeners, ...twice.listeners] });
    expect(routed(again, 'a.test', '/')).toBe('0/0');
    expect(routed(again, 'a.test', '/', [1, 2, 3])).toBe('2/0');
    expect(routed(again, 'b.test', '/', [3, 1])).toBe('3/1');
    expect(routed(again, 'b.test', '/', [0, 2])).toBe('404 no-route');
  });

  it('are of one declared port, and those of another port are never asked', () => {
    const ports = [80, 81].map((port) => aListener({ port, hosts: [{ hostname: '', matches: [aMatch(port)] }] }));
    const both = aSnapshot({ listeners: ports });
    expect([routed(both, 'a', '/', [0]), routed(both, 'a', '/', [1])]).toEqual(['0/80', '1/81']);
    expect(() => routed(both, 'a', '/', [0, 1])).toThrow(RangeError);
  });
});

describe('the prefix that matched', () => {
  const paths = snapshot({
    '': {
      '': [
        ['Exact', '/e'],
        ['PathPrefix', '/p/q'],
        ['PathPrefix', '/p'],
        ['PathPrefix', '/'],
      ],
    },
  });

  it.each([
    ['/p/q', 4],
    ['/p/q/r', 4],
    ['/p/', 2],
    ['/p', 2],
    ['/e', 0],
    ['/', 0],
    ['/x', 0],
  ])('of %s has %d characters', (path, prefixLength) => {
    expect(createRouter(viewOf(paths)).route(0, 'a', path, PLAIN)).toMatchObject({ prefixLength });
  });
});

describe('expressions', () => {
  const paths = (count: number, before = ''): Snapshot => {
    const expressions = Array.from(
      { length: count },
      (_, each) => ['RegularExpression', `${before}.*/${each}`] as const,
    );
    return snapshot({ '': { '': [...expressions, ...ALL] } });
  };

  it('refuses a request of which they would look at too much, instead of taking the next best rule', () => {
    expect(routed(paths(20), 'a', `/${LONG}/19`)).toBe('431 header-too-large');
    expect(routed(paths(20), 'a', `/${LONG}/1`)).toBe('0/1');
    expect(routed(paths(20), 'a', `/${LONG}`)).toBe('431 header-too-large');
    expect(routed(paths(10), 'a', `/${LONG}`)).toBe('0/10');
    expect(routed(paths(500), 'a', '/some/path/of/usual/length/499')).toBe('0/499');
  });

  it('counts none that are told apart by what they begin with', () => {
    expect(routed(paths(20, '/api'), 'a', `/${LONG}`)).toBe('0/20');
  });

  it('counts those of headers, and anew for each request', () => {
    const headers = (each: number) => [{ name: 'cookie', value: `.*;id=${each}`, regex: true }];
    const matches = Array.from({ length: 30 }, (_, each) => aMatch(each, { headers: headers(each) }));
    const view = viewOf(aSnapshot({ listeners: [aListener({ hosts: [{ hostname: '', matches }] })] }));
    const router = createRouter(view);
    const ask = (value: string) => {
      const fields = [{ name: 'Cookie', lowerName: 'cookie', value, id: Field.cookie }];
      return router.route(0, 'a', '/', { ...PLAIN, fields });
    };
    expect(ask(`${LONG};id=29`)).toMatchObject({ code: 'header-too-large' });
    expect(ask('a=b;id=29')).toMatchObject({ rule: 29 });
  });
});
