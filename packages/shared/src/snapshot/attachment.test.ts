import { expect, test } from 'vitest';
import { brief, compile, documents, gateway, marked, route } from '../testing/manifests.js';
import { parentConditions, routeMessage } from '../testing/statuses.js';
import type { Snapshot } from './snapshot.js';

const RULE = 'backendRefs: []';
const NO_BACKENDS = 'spec.rules[0]: has no backendRefs: its requests are answered with 500';

/** Listener name and hostnames that it serves. */
function served(snapshot: Snapshot): Record<string, string[]> {
  return Object.fromEntries(snapshot.listeners.map(({ name, hosts }) => [name, hosts.map(({ hostname }) => hostname)]));
}

const TWO = gateway({ listeners: ['name: a, port: 80, protocol: HTTP', 'name: b, port: 81, protocol: HTTP'] });

test.each([
  ['name: main', { a: [''], b: [''] }],
  ['name: main, sectionName: a', { a: [''], b: [] }],
  ['name: main, port: 81', { a: [], b: [''] }],
  ['name: main, sectionName: b, port: 81', { a: [], b: [''] }],
  ['name: main, namespace: default', { a: [''], b: [''] }],
])('parentRef { %s } attaches to the listeners that it names', (parent, expected) => {
  const { snapshot, issues } = compile(TWO, route({ parents: [parent], rules: [RULE] }));
  expect(served(snapshot)).toEqual(expected);
  expect(brief(issues)).toEqual([NO_BACKENDS]);
});

test.each([
  ['name: §other', 'name', 'there is no Gateway default/other'],
  ['namespace: other, name: §main', 'name', 'there is no Gateway other/main'],
  ['§name: main, sectionName: c', '', 'no listener of Gateway default/main has the name "c"'],
  ['§name: main, port: 82', '', 'no listener of Gateway default/main has port 82'],
  ['§name: main, sectionName: a, port: 81', '', 'no listener of Gateway default/main has the name "a" and port 81'],
])('parentRef { %s } attaches to nothing, which is a warning', (parent, field, message) => {
  const place = parent.startsWith('§') ? `§{ ${parent.slice(1)} }` : `{ ${parent} }`;
  const { text, line, column } = marked(route().replace('{ name: main }', place));
  const { snapshot, issues } = compile(text, TWO);
  const path = `spec.parentRefs[0]${field === '' ? '' : `.${field}`}`;
  expect(issues).toMatchObject([
    { severity: 'warning', line, column, path, message, resource: 'HTTPRoute default/chat' },
  ]);
  expect(snapshot.rules).toEqual([]);
});

test('a route without parentRefs serves nothing, which is a warning', () => {
  expect(brief(compile(TWO, route({ parents: [] })).issues)).toEqual(['spec: names no parent and serves nothing']);
});

test('two parentRefs to one listener attach once', () => {
  const { snapshot } = compile(TWO, route({ parents: ['name: main', 'name: main, sectionName: a'], rules: [RULE] }));
  expect(snapshot.listeners.map(({ hosts }) => hosts.map(({ matches }) => matches.length))).toEqual([[1], [1]]);
  expect(snapshot.rules).toHaveLength(1);
});

test('a route of another namespace attaches only where it is allowed', () => {
  const listeners = [
    'name: same, port: 80, protocol: HTTP',
    'name: all, port: 81, protocol: HTTP, allowedRoutes: { namespaces: { from: All } }',
  ];
  const foreign = (more: string) => route({ namespace: 'team', parents: [`name: main, namespace: default${more}`] });
  const open = compile(gateway({ listeners }), foreign(''));
  expect(served(open.snapshot)).toEqual({ same: [], all: [''] });
  expect(brief(open.issues)).toEqual([NO_BACKENDS]);
  const closed = compile(gateway({ listeners }), foreign(', sectionName: same'));
  expect(brief(closed.issues)).toEqual([
    'spec.parentRefs[0]: no listener of Gateway default/main allows HTTPRoutes from namespace team (allowedRoutes)',
  ]);
});

test.each([
  ['*.a.com', ['x.a.com', 'b.com', 'a.com', '*.y.a.com', '*.com'], ['x.a.com', '*.y.a.com', '*.a.com']],
  ['x.a.com', ['*.a.com', 'y.a.com'], ['x.a.com']],
  ['x.a.com', undefined, ['x.a.com']],
  ['', ['*.a.com', 'b.com'], ['b.com', '*.a.com']],
  ['', undefined, ['']],
])('listener %j and hostnames %j serve %j', (hostname, hostnames, expected) => {
  const more = hostname === '' ? '' : `, hostname: "${hostname}"`;
  const { snapshot, issues } = compile(
    gateway({ listeners: [`name: a, port: 80, protocol: HTTP${more}`] }),
    route({ ...(hostnames && { hostnames }), rules: [RULE] }),
  );
  expect(served(snapshot)).toEqual({ a: expected });
  expect(brief(issues)).toEqual([NO_BACKENDS]);
});

test('hostnames that fit no listener are a warning', () => {
  const main = gateway({ listeners: ['name: a, port: 80, protocol: HTTP, hostname: "*.a.com"'] });
  const { snapshot, issues } = compile(documents(main, route({ hostnames: ['a.com', 'b.com'] })));
  expect(brief(issues)).toEqual([
    'spec.parentRefs[0]: no hostname of the route fits a listener of Gateway default/main',
  ]);
  expect(served(snapshot)).toEqual({ a: [] });
});

const RESOLVED = 'ResolvedRefs True ResolvedRefs';

test.each([
  ['name: other', 'NoMatchingParent', 'there is no Gateway default/other'],
  ['name: main, sectionName: c', 'NoMatchingParent', 'no listener of Gateway default/main has the name "c"'],
  ['name: main, port: 82', 'NoMatchingParent', 'no listener of Gateway default/main has port 82'],
  [
    'name: main, namespace: team',
    'NotAllowedByListeners',
    'no listener of Gateway team/main allows HTTPRoutes from namespace default (allowedRoutes)',
  ],
  ['name: named', 'NoMatchingListenerHostname', 'no hostname of the route fits a listener of Gateway default/named'],
])('why parentRef { %s } is not accepted: %s', (parent, reason, message) => {
  const result = compile(
    TWO,
    gateway({ name: 'main', namespace: 'team', listeners: ['name: a, port: 90, protocol: HTTP'] }),
    gateway({ name: 'named', listeners: ['name: a, port: 91, protocol: HTTP, hostname: b.com'] }),
    route({ parents: [parent], hostnames: ['a.com'], rules: [RULE] }),
  );
  expect(parentConditions(result, 'chat')).toEqual([[`Accepted False ${reason}`, RESOLVED]]);
  expect(routeMessage(result, 'chat', 'Accepted')).toBe(message);
  expect(result.issues.map(({ severity, message }) => [severity, message])).toEqual([['warning', message]]);
});

test('each parent is judged by itself: a route is served by those that accept it', () => {
  const second = gateway({ name: 'second', listeners: ['name: c, port: 90, protocol: HTTP'] });
  const parents = ['name: main, sectionName: a', 'name: gone', 'name: second'];
  const result = compile(TWO, second, route({ parents, rules: [RULE] }));
  expect(parentConditions(result, 'chat').map(([accepted]) => accepted)).toEqual([
    'Accepted True Accepted',
    'Accepted False NoMatchingParent',
    'Accepted True Accepted',
  ]);
  expect(served(result.snapshot)).toEqual({ a: [''], b: [], c: [''] });
});

test.each([
  ['group: "", kind: Service, name: chat, port: 80', 'Service'],
  ['kind: ListenerSet, name: main', 'ListenerSet'],
])('a parent of another kind is nobody here: { %s }', (parent, kind) => {
  const result = compile(TWO, route({ parents: [parent, 'name: main'], rules: [RULE] }));
  expect(brief(result.issues)).toContain(
    `spec.parentRefs[0].kind: a parent of kind ${kind} is not served: passed over`,
  );
  expect(parentConditions(result, 'chat')).toEqual([['Accepted True Accepted', RESOLVED]]);
});
