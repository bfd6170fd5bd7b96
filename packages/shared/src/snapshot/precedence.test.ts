import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compile, documents, gateway, route, rule } from '../testing/manifests.js';
import type { HostSnapshot, Snapshot } from './snapshot.js';

/** Each match of a host as `route#rule type path`. */
function order({ rules }: Snapshot, host: HostSnapshot | undefined): string[] {
  return (host?.matches ?? []).map(({ pathType, path, rule: index }) => {
    const found = rules[index];
    return `${found?.route.replace('default/', '')}#${found?.index} ${pathType} ${path}`;
  });
}

function firstHost(...texts: string[]): string[] {
  const { snapshot } = compile(documents(gateway(), ...texts));
  return order(snapshot, snapshot.listeners[0]?.hosts[0]);
}

test('exact before prefix, longer prefix before shorter, over all routes', () => {
  const found = firstHost(
    route({ name: 'a', rules: [rule('PathPrefix', '/'), rule('PathPrefix', '/chat/room')] }),
    route({ name: 'b', rules: [rule('PathPrefix', '/chat'), rule('Exact', '/c')] }),
  );
  expect(found).toEqual(['b#1 Exact /c', 'a#1 PathPrefix /chat/room', 'b#0 PathPrefix /chat', 'a#0 PathPrefix /']);
});

test('regular expressions come after exact paths and before prefixes, the longer first', () => {
  const found = firstHost(
    route({ name: 'a', rules: [rule('PathPrefix', '/a/long/prefix'), rule('RegularExpression', '/a')] }),
    route({ name: 'b', rules: [rule('RegularExpression', '/a/[0-9]+'), rule('Exact', '/')] }),
  );
  expect(found).toEqual([
    'b#1 Exact /',
    'b#0 RegularExpression /a/[0-9]+',
    'a#1 RegularExpression /a',
    'a#0 PathPrefix /a/long/prefix',
  ]);
});

test('a trailing slash of a prefix does not make it longer; of an exact path it counts', () => {
  const found = firstHost(
    route({ name: 'a', rules: [rule('PathPrefix', '/chat')] }),
    route({ name: 'b', rules: [rule('PathPrefix', '/chat/'), rule('Exact', '/chat/'), rule('PathPrefix', '/')] }),
  );
  expect(found).toEqual(['b#1 Exact /chat/', 'a#0 PathPrefix /chat', 'b#0 PathPrefix /chat', 'b#2 PathPrefix /']);
});

test('of equal matches the oldest route wins, a route without a time being the youngest', () => {
  const found = firstHost(
    route({ name: 'a', rules: [rule('PathPrefix', '/')] }),
    route({ name: 'b', created: '2026-03-01T00:00:00Z', rules: [rule('PathPrefix', '/')] }),
    route({ name: 'c', created: '2026-01-01T10:00:00+02:00', rules: [rule('PathPrefix', '/')] }),
    route({ name: 'd', created: '2026-01-01T09:00:00Z', rules: [rule('PathPrefix', '/')] }),
  );
  expect(found.map((each) => each[0])).toEqual(['c', 'd', 'b', 'a']);
});

test('age does not beat a longer path', () => {
  const found = firstHost(
    route({ name: 'old', created: '2020-01-01T00:00:00Z', rules: [rule('PathPrefix', '/a')] }),
    route({ name: 'new', created: '2026-01-01T00:00:00Z', rules: [rule('PathPrefix', '/a/b')] }),
  );
  expect(found).toEqual(['new#0 PathPrefix /a/b', 'old#0 PathPrefix /a']);
});

test('then the name decides, namespace first, then the place in the route', () => {
  const all = 'allowedRoutes: { namespaces: { from: All } }';
  const parents = ['name: main, namespace: default'];
  const { snapshot } = compile(
    documents(
      gateway({ listeners: [`name: http, port: 80, protocol: HTTP, ${all}`] }),
      route({ name: 'z', namespace: 'a', parents, rules: ['name: first', 'name: second'] }),
      route({ name: 'a', namespace: 'b', parents }),
      route({ name: 'b', namespace: 'a', parents }),
    ),
  );
  expect(order(snapshot, snapshot.listeners[0]?.hosts[0])).toEqual([
    'a/b#0 PathPrefix /',
    'a/z#0 PathPrefix /',
    'a/z#1 PathPrefix /',
    'b/a#0 PathPrefix /',
  ]);
});

test('the matches of one rule keep their order when nothing else decides', () => {
  const two = 'matches: [{ path: { value: /b } }, { path: { value: /a } }, { path: { type: Exact, value: /c } }]';
  expect(firstHost(route({ rules: [two] }))).toEqual([
    'chat#0 Exact /c',
    'chat#0 PathPrefix /b',
    'chat#0 PathPrefix /a',
  ]);
});

test('of hostnames that meet in one, the more specific one that was declared comes first, whatever the paths', () => {
  const { snapshot } = compile(
    documents(
      gateway({ listeners: ['name: http, port: 80, protocol: HTTP, hostname: b.a.com'] }),
      route({ name: 'none', rules: [rule('Exact', '/x')] }),
      route({ name: 'wide', hostnames: ['*.com'], rules: [rule('Exact', '/x')] }),
      // As long as the exact one: that it is a wildcard decides.
      route({ name: 'wild', hostnames: ['*.a.com'], rules: [rule('Exact', '/x')] }),
      route({ name: 'zexact', hostnames: ['*.com', 'b.a.com'], rules: [rule('PathPrefix', '/')] }),
    ),
  );
  expect(snapshot.listeners[0]?.hosts.map(({ hostname }) => hostname)).toEqual(['b.a.com']);
  expect(order(snapshot, snapshot.listeners[0]?.hosts[0])).toEqual([
    'zexact#0 PathPrefix /',
    'wild#0 Exact /x',
    'wide#0 Exact /x',
    'none#0 Exact /x',
  ]);
});

test('a host lists the matches of the routes that declare exactly it', () => {
  const { snapshot } = compile(
    documents(
      gateway(),
      route({ name: 'a', hostnames: ['*.a.com', 'x.a.com'] }),
      route({ name: 'b', hostnames: ['*.a.com'], rules: [rule('Exact', '/b')] }),
      route({ name: 'c' }),
    ),
  );
  const hosts = snapshot.listeners[0]?.hosts ?? [];
  expect(hosts.map((host) => [host.hostname, order(snapshot, host)])).toEqual([
    ['x.a.com', ['a#0 PathPrefix /']],
    ['*.a.com', ['b#0 Exact /b', 'a#0 PathPrefix /']],
    ['', ['c#0 PathPrefix /']],
  ]);
});

/** Each route has one match, this flow mapping without braces; the names of the routes in order. */
function names(matches: Readonly<Record<string, string>>): string[] {
  const routes = Object.entries(matches).map(([name, match]) => route({ name, rules: [`matches: [{ ${match} }]`] }));
  return firstHost(...routes).map((each) => each.slice(0, each.indexOf('#')));
}

const header = (...list: string[]) => `headers: [${list.map((name) => `{ name: ${name}, value: x }`).join(', ')}]`;
const query = (...list: string[]) => header(...list).replace('headers', 'queryParams');

test('of equal paths a method comes first, then more headers, then more query parameters, then the name', () => {
  const found = names({
    a: 'path: { value: / }',
    b: query('p', 'q', 'r'),
    c: header('p'),
    d: `${header('p')}, ${query('q')}`,
    e: header('p', 'q'),
    f: 'method: GET',
    g: `method: DELETE, ${query('p')}`,
    h: `method: GET, ${header('p')}`,
    i: `method: HEAD, ${header('p')}`,
    j: `path: { value: /long }`,
    k: `path: { type: Exact, value: /l }`,
  });
  expect(found.join('')).toBe('kjhigfedcba');
});

test('of equal header names only the first counts, also for precedence', () => {
  expect(
    names({ a: header('X-A', 'x-a', 'X-a'), b: header('x-a', 'x-b'), c: query('p', 'p'), d: query('p', 'P') }),
  ).toEqual(['b', 'a', 'd', 'c']);
});

test('conditions do not beat a longer path, nor age conditions', () => {
  const rules = (match: string) => [`matches: [{ ${match} }]`];
  const found = firstHost(
    route({ name: 'a', rules: rules(`method: GET, ${header('p', 'q')}`) }),
    route({ name: 'b', rules: rules('path: { value: /b }') }),
    route({ name: 'c', created: '2020-01-01T00:00:00Z', rules: rules(header('p')) }),
    route({ name: 'd', created: '2020-01-01T00:00:00Z', rules: rules(query('p', 'q')) }),
  );
  expect(found.map((each) => each[0])).toEqual(['b', 'a', 'c', 'd']);
});

test('the order does not depend on the order of the documents, and is that of the standard', () => {
  const match = fc.record({
    path: fc.constantFrom('type: Exact, value: /a', 'value: /a', 'value: /a/b', 'value: /'),
    method: fc.boolean(),
    headers: fc.nat(2),
    queryParams: fc.nat(2),
    year: fc.constantFrom(2020, 2021, undefined),
  });
  const pathRank = ['type: Exact, value: /a', 'value: /a/b', 'value: /a', 'value: /'];
  const three = ['p', 'q', 'r'];
  fc.assert(
    fc.property(fc.array(match, { minLength: 2, maxLength: 7 }), fc.infiniteStream(fc.nat()), (matches, random) => {
      const described = matches.map((each, index) => {
        const { path, method, headers, queryParams, year } = each;
        const conditions = `${header(...three.slice(0, headers))}, ${query(...three.slice(0, queryParams))}`;
        const rules = [`matches: [{ path: { ${path} }, ${method ? 'method: GET, ' : ''}${conditions} }]`];
        const created = year === undefined ? {} : { created: `${year}-01-01T00:00:00Z` };
        const name = `r${index}`;
        const key = [pathRank.indexOf(path), method ? 0 : 1, 2 - headers, 2 - queryParams, year ?? 9999, index];
        return { name, key: key.join(' '), text: route({ name, rules, ...created }), place: random.next().value };
      });
      const shuffled = [...described].sort((a, b) => a.place - b.place).map(({ text }) => text);
      const expected = [...described].sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ name }) => name);
      expect(firstHost(...shuffled).map((each) => each.slice(0, each.indexOf('#')))).toEqual(expected);
    }),
    { seed: 4, numRuns: 60 },
  );
});
