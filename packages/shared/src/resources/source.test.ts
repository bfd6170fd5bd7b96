import { expect, test } from 'vitest';
import { brief, documents, FILE, gateway, marked, parse, route, service } from '../testing/manifests.js';

const HEADER = 'apiVersion: v1\nkind: Service\nmetadata: { name: chat }\n';

test('a stream of documents is read whole, empty ones left out', () => {
  const { resources, issues } = parse(documents('# only a comment', gateway(), '', route(), service(), ''));
  expect(issues).toEqual([]);
  expect(resources.gateways.map(({ name }) => name)).toEqual(['main']);
  expect(resources.httpRoutes.map(({ name }) => name)).toEqual(['chat']);
  expect(resources.services.map(({ name }) => name)).toEqual(['chat']);
});

test('JSON is YAML', () => {
  const value = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'json' }, spec: { ports: [{ port: 80 }] } };
  const { resources, issues } = parse(JSON.stringify(value, null, 2));
  expect(issues).toEqual([]);
  expect(resources.services[0]?.spec.ports[0]?.port).toBe(80);
});

test('a List is its items, each with its own place', () => {
  const { text, line, column } = marked(`apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Service
    metadata: { name: a }
    spec: { ports: [{ port: 80 }] }
  - apiVersion: v1
    kind: List
    items:
      - apiVersion: v1
        kind: Service
        metadata: { name: b }
        spec: { ports: [{ port: §0 }] }
`);
  const { resources, issues } = parse(text);
  expect(resources.services.map(({ name }) => name)).toEqual(['a']);
  expect(issues).toMatchObject([
    { file: FILE, line, column, resource: 'Service default/b', path: 'spec.ports[0].port' },
  ]);
});

test('an empty List is no resource and no error in a file with others', () => {
  const { issues } = parse(documents('apiVersion: v1\nkind: List\nitems: []', service()));
  expect(issues).toEqual([]);
});

test.each([
  ['a scalar', 'apiVersion: v1\nkind: List\n§items: 5\n', 'items of a List is not a sequence'],
  ['a scalar as item', 'apiVersion: v1\nkind: List\nitems:\n  - §5\n', 'is not a resource'],
])('items of a List: %s', (_, source, message) => {
  const { text, line, column } = marked(source);
  expect(parse(text).issues).toMatchObject([{ line, column, message }]);
});

test('Lists in Lists end somewhere', () => {
  const nested = '{ kind: List, items: ['.repeat(20) + ']}'.repeat(20);
  expect(brief(parse(nested).issues)).toEqual([': Lists are nested too deeply']);
});

test.each(['', '\n\n', '# a comment\n', '---\n---\n', 'null\n'])(
  'a file without a resource is an error: %j',
  (text) => {
    expect(parse(text).issues).toMatchObject([{ severity: 'error', line: 0, message: 'contains no resource' }]);
  },
);

test.each([
  ['a list', '§- 1\n- 2\n'],
  ['a string', '§hello\n'],
])('%s is no resource', (_, source) => {
  const { text, line, column } = marked(source);
  expect(parse(text).issues).toMatchObject([{ severity: 'error', line, column, message: 'is not a resource' }]);
});

test('a syntax error has its place, and the other documents are read', () => {
  const { text, line, column } = marked(documents(service(), 'a: [1, 2\nb: §]: 3', gateway()));
  const { resources, issues } = parse(text);
  expect(issues[0]?.message).toMatch(/^YAML: /);
  expect(issues.some((issue) => issue.line === line && issue.column <= column)).toBe(true);
  expect([resources.services.length, resources.gateways.length]).toEqual([1, 1]);
});

test('a tab as indentation has its place', () => {
  const { text, line } = marked(`${HEADER}spec:\n§\tports: []\n`);
  expect(parse(text).issues[0]).toMatchObject({ severity: 'error', line });
});

test('the same key twice is an error at the second one', () => {
  const { text, line, column } = marked(`${HEADER}spec:\n  ports: []\n  §ports: []\n`);
  expect(parse(text).issues).toMatchObject([
    { severity: 'error', line, column, message: 'the same key twice in one mapping' },
  ]);
});

test('resources put together without a separator are told once, where the second begins', () => {
  const { text, line, column } = marked(`${HEADER}spec:\n  ports: []\n§${HEADER}spec:\n  ports: []\n`);
  expect(parse(text).issues).toEqual([
    expect.objectContaining({
      line,
      column,
      message: 'a second resource begins in the same document',
      hint: 'write a line --- before it',
    }),
  ]);
});

test('anchors, aliases and merge keys are followed, issues included', () => {
  const { text, line, column } = marked(`apiVersion: v1
kind: Service
metadata: { name: chat }
spec:
  ports:
    - &base { name: a, port: 80, protocol: §tcp }
    - { <<: *base, name: b, port: 81 }
`);
  const { issues } = parse(text);
  expect(issues.map((issue) => [issue.path, issue.line, issue.column])).toEqual([
    ['spec.ports[0].protocol', line, column],
    ['spec.ports[1].protocol', line, column],
  ]);
});

test('an alias bomb is refused at once', () => {
  const rows = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (let row = 1; row < 12; row++) {
    const before = String.fromCharCode(96 + row);
    const name = String.fromCharCode(97 + row);
    rows.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(', ')}]`);
  }
  const { issues } = parse(rows.join('\n'));
  expect(issues).toMatchObject([{ severity: 'error', line: 1, column: 1 }]);
  expect(issues[0]?.message).toContain('alias');
});

test('an unknown alias and a mapping that contains itself are issues', () => {
  const { text, line, column } = marked(`${HEADER}spec: §*nowhere\n`);
  expect(parse(text).issues).toMatchObject([{ severity: 'error', line, column }]);
  expect(parse('&self\na: *self\n').issues[0]?.severity).toBe('error');
});

test('a text nested without end is an issue', () => {
  const { issues } = parse('['.repeat(100_000));
  expect(issues[0]?.severity).toBe('error');
});

test('a null field is an absent one', () => {
  const { resources, issues } = parse(`${HEADER}spec:\n  type:\n  ports:\n    - port: 80\n      name: null\n`);
  expect(issues).toEqual([]);
  expect(resources.services[0]?.spec).toMatchObject({ type: 'ClusterIP', ports: [{ port: 80 }] });
});

test('lines that end in CR LF and a byte order mark do not shift places', () => {
  const { text, line, column } = marked(`${HEADER}spec: { ports: [{ port: §0 }] }\n`);
  expect(parse(text.replaceAll('\n', '\r\n')).issues).toMatchObject([{ line, column }]);
  expect(parse(`\uFEFF${text}`).issues).toMatchObject([{ line, path: 'spec.ports[0].port' }]);
});
