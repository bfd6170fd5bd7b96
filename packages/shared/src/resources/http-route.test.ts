import { expect, test } from 'vitest';
import { brief, marked, parse, route } from '../testing/manifests.js';

/** A route whose only rule is this flow mapping without braces. */
function withRule(rule: string): string {
  return route({ rules: [rule] });
}

test('a route without rules has one that matches every path', () => {
  const [found] = parse(route()).resources.httpRoutes;
  expect(found?.spec).toMatchObject({
    hostnames: [],
    rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }], backendRefs: [] }],
  });
});

test.each(['', 'matches: []', 'matches: [{}]', 'matches: [{ path: {} }]', 'matches: [{ path: { type: PathPrefix } }]'])(
  'a rule { %s } matches every path',
  (rule) => {
    const { resources, issues } = parse(withRule(rule));
    expect(issues).toEqual([]);
    expect(resources.httpRoutes[0]?.spec.rules[0]?.matches).toEqual([
      { path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] },
    ]);
  },
);

test('a backendRef weighs 1 by default and may say that it is a Service', () => {
  const { resources, issues } = parse(withRule('backendRefs: [{ group: "", kind: Service, name: a, port: 80 }]'));
  expect(issues).toEqual([]);
  expect(resources.httpRoutes[0]?.spec.rules[0]?.backendRefs).toMatchObject([{ name: 'a', port: 80, weight: 1 }]);
});

test.each([
  ['timeouts: { request: §10 }', 'timeouts.request', 'must be a string, not the number 10'],
  ['timeouts: { request: §"10" }', 'timeouts.request', '"10" is not a duration'],
  ['timeouts: { request: §1.5s }', 'timeouts.request', '"1.5s" is not a duration'],
  ['timeouts: { request: 1s, backendRequest: §2s }', 'timeouts.backendRequest', 'must not be longer than request'],
  ['timeouts: { §idle: 1s }', 'timeouts.idle', 'unknown field'],
  ['§match: []', 'match', 'unknown field'],
  ['name: §Rule One', 'name', '"Rule One" is not a valid name'],
  ['matches: §{}', 'matches', 'must be a sequence, not a mapping'],
  ['matches: [§a]', 'matches[0]', 'must be a mapping, not the string "a"'],
  ['matches: [{ §paths: {} }]', 'matches[0].paths', 'unknown field'],
  [
    'matches: [{ path: { type: RegularExpression, value: §"/a(?=b)" } }]',
    'matches[0].path.value',
    '"/a(?=b)" is not a regular expression of RE2: invalid or unsupported Perl syntax: `(?=`',
  ],
  ['matches: [{ path: { type: §Prefix, value: / } }]', 'matches[0].path.type', '"Prefix" is not a value of this field'],
  ['matches: [{ path: { §regex: a } }]', 'matches[0].path.regex', 'unknown field'],
  ['matches: [{ path: { value: §chat } }]', 'matches[0].path.value', '"chat" is not an absolute path'],
  ['matches: [{ path: { value: §"" } }]', 'matches[0].path.value', '"" is not an absolute path'],
  ['matches: [{ path: { value: §/a//b } }]', 'matches[0].path.value', '"/a//b" contains "//"'],
  ['matches: [{ path: { value: §/a/./b } }]', 'matches[0].path.value', '"/a/./b" contains a "." or ".." element'],
  ...['/a/%2e%2E/b', '/a/.%2e', '/%2e/a'].map((path): [string, string, string] => [
    `matches: [{ path: { value: §${path} } }]`,
    'matches[0].path.value',
    `"${path}" contains a "." or ".." element`,
  ]),
  ...['/a%00', '/a%1F', '/%5cb'].map((path): [string, string, string] => [
    `matches: [{ path: { value: §${path} } }]`,
    'matches[0].path.value',
    `"${path}" contains an escaped control character or backslash`,
  ]),
  ['matches: [{ path: { value: §/a/.. } }]', 'matches[0].path.value', '"/a/.." contains a "." or ".." element'],
  ['matches: [{ path: { value: §/a%2Fb } }]', 'matches[0].path.value', '"/a%2Fb" contains an escaped "/"'],
  ['matches: [{ path: { value: §"/a?b" } }]', 'matches[0].path.value', '"/a?b" contains a character that no path has'],
  ['matches: [{ path: { value: §"/a#b" } }]', 'matches[0].path.value', '"/a#b" contains a character that no path has'],
  ['matches: [{ path: { value: §/a%zz } }]', 'matches[0].path.value', '"/a%zz" contains a character that no path has'],
  ['backendRefs: [{ name: a, port: 80, kind: §"a b" }]', 'backendRefs[0].kind', '"a b" is not the name of a kind'],
  ['backendRefs: [{ name: a, port: 80, group: §Apps }]', 'backendRefs[0].group', '"Apps" is not a group'],
  ['backendRefs: [{ name: a, port: §http }]', 'backendRefs[0].port', 'must be a number, not the string "http"'],
  ['backendRefs: [{ name: a, port: 80 }, §{ name: a }]', 'backendRefs[1].port', 'is required'],
  ['backendRefs: [§{ port: 80 }]', 'backendRefs[0].name', 'is required'],
  ['backendRefs: [{ name: a, port: 80, weight: §-1 }]', 'backendRefs[0].weight', '-1 is not a weight'],
  ['backendRefs: [{ name: a, port: 80, weight: §1000001 }]', 'backendRefs[0].weight', '1000001 is not a weight'],
  [
    'backendRefs: [{ name: a, port: 80, weight: §0.5 }]',
    'backendRefs[0].weight',
    'must be a whole number, not the number 0.5',
  ],
])('rule { %s }', (rule, path, message) => {
  const { text, line, column } = marked(withRule(rule));
  const { resources, issues } = parse(text);
  expect(issues).toMatchObject([
    { severity: 'error', line, column, path: `spec.rules[0].${path}`, message, resource: 'HTTPRoute default/chat' },
  ]);
  expect(resources.httpRoutes).toEqual([]);
});

test('a path may be 1024 characters long and no longer', () => {
  const path = (length: number) => withRule(`matches: [{ path: { value: /${'a'.repeat(length - 1)} } }]`);
  expect(parse(path(1024)).issues).toEqual([]);
  expect(parse(path(1025)).issues).toMatchObject([{ message: 'is longer than 1024 characters' }]);
});

test.each([
  ['{ name: main, group: §A }', 'group', '"A" is not a group'],
  ['{ name: main, kind: §"-" }', 'kind', '"-" is not the name of a kind'],
  ['{ name: main, port: §0 }', 'port', '0 is not a port'],
  ['{ name: main, §section: a }', 'section', 'unknown field'],
  ['§{ port: 80 }', 'name', 'is required'],
])('parentRef %s', (parent, path, message) => {
  const { text, line, column } = marked(route().replace('[{ name: main }]', `[${parent}]`));
  expect(parse(text).issues).toMatchObject([{ line, column, path: `spec.parentRefs[0].${path}`, message }]);
});

test('references to any kind are left to the compiler', () => {
  const { resources, issues } = parse(
    route({
      parents: ['group: "", kind: Service, name: a', 'kind: ListenerSet, name: b'],
      rules: ['backendRefs: [{ group: multicluster.x-k8s.io, kind: ServiceImport, name: a, namespace: b }]'],
    }),
  );
  expect(issues).toEqual([]);
  const [found] = resources.httpRoutes;
  expect(found?.spec.parentRefs).toMatchObject([{ group: '', kind: 'Service' }, { kind: 'ListenerSet' }]);
  expect(found?.spec.rules[0]?.backendRefs).toEqual([
    { group: 'multicluster.x-k8s.io', kind: 'ServiceImport', name: 'a', namespace: 'b', weight: 1, filters: [] },
  ]);
});

test('timeouts are milliseconds, and 0 turns a limit off', () => {
  const timeouts = (text: string) =>
    parse(withRule(`timeouts: { ${text} }`)).resources.httpRoutes[0]?.spec.rules[0]?.timeouts;
  expect(timeouts('request: 1m30s, backendRequest: 500ms')).toEqual({ request: 90_000, backendRequest: 500 });
  expect(timeouts('request: 10s, backendRequest: 10s')).toEqual({ request: 10_000, backendRequest: 10_000 });
  expect(timeouts('request: 0s, backendRequest: 10s')).toEqual({ request: 0, backendRequest: 10_000 });
  expect(timeouts('')).toEqual({});
});

test.each(['retry: { attempts: 2 }', 'retry: 1', 'sessionPersistence: {}'])(
  'a field that is not served is taken as it is: { %s }',
  (field) => {
    const { resources, issues } = parse(withRule(field));
    expect(issues).toEqual([]);
    expect(resources.httpRoutes).toHaveLength(1);
  },
);

function numbered(count: number, text: (index: number) => string): string[] {
  return Array.from({ length: count }, (_, index) => text(index));
}

function matches(count: number): string {
  return `matches: [${numbered(count, (index) => `{ path: { value: /${index} } }`).join(', ')}]`;
}

function backends(count: number): string {
  return `backendRefs: [${numbered(count, (index) => `{ name: s${index}, port: 80 }`).join(', ')}]`;
}

test.each([
  [32, 'spec.parentRefs', (count: number) => route({ parents: numbered(count, (index) => `name: g${index}`) })],
  [16, 'spec.hostnames', (count: number) => route({ hostnames: numbered(count, (index) => `h${index}.com`) })],
  [16, 'spec.rules', (count: number) => route({ rules: numbered(count, (index) => `name: r${index}`) })],
  [64, 'spec.rules[0].matches', (count: number) => withRule(matches(count))],
  [16, 'spec.rules[0].backendRefs', (count: number) => withRule(backends(count))],
])('at most %i entries: %s', (max, path, text) => {
  expect(parse(text(max)).issues).toEqual([]);
  expect(brief(parse(text(max + 1)).issues)).toEqual([`${path}: must have at most ${max} entries`]);
});

test('all rules of a route have at most 128 matches together, and a rule without any counts as one', () => {
  expect(parse(route({ rules: [matches(64), matches(63), 'name: a'] })).issues).toEqual([]);
  expect(brief(parse(route({ rules: [matches(64), matches(64), 'name: a'] })).issues)).toEqual([
    'spec.rules: must have at most 128 matches together',
  ]);
});

test('hostnames are hostnames', () => {
  expect(brief(parse(route({ hostnames: ['a.com', '*', '*.a.com', 'a_b.com', '::1', '192.168.0.1'] })).issues)).toEqual(
    [
      'spec.hostnames[1]: "*" is not a hostname',
      'spec.hostnames[3]: "a_b.com" is not a hostname',
      'spec.hostnames[4]: "::1" is not a hostname',
      'spec.hostnames[5]: "192.168.0.1" is an IP address',
    ],
  );
});

test('rules: an empty list and a repeated name are errors', () => {
  expect(brief(parse(route().replace('spec:\n', 'spec:\n  rules: []\n')).issues)).toEqual([
    'spec.rules: must have at least one rule',
  ]);
  expect(brief(parse(route({ rules: ['name: a', 'name: b', 'name: a'] })).issues)).toEqual([
    'spec.rules[2].name: "a" is the name of an earlier rule',
  ]);
});

test('all that is wrong with one route is said at once', () => {
  const text = route({
    hostnames: ['X'],
    rules: ['matches: [{ method: get, path: { value: a } }]', 'backendRefs: [{ name: a, port: 0, weight: -1 }]'],
  });
  expect(brief(parse(text).issues).sort()).toEqual(
    [
      'spec.hostnames[0]: "X" is not a hostname',
      'spec.rules[0].matches[0].method: "get" is not a value of this field',
      'spec.rules[0].matches[0].path.value: "a" is not an absolute path',
      'spec.rules[1].backendRefs[0].port: 0 is not a port',
      'spec.rules[1].backendRefs[0].weight: -1 is not a weight',
    ].sort(),
  );
});
