import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { marked, parse, route, service } from '../testing/manifests.js';
import { splitDocuments } from './documents.js';

test.each([
  ['a: b', ['a: b']],
  ['', ['']],
  ['---\na: b\n---\nc: d\n', ['---\na: b\n', '---\nc: d\n']],
  ['# head\n---\na: b\n--- # tail\n---', ['# head\n', '---\na: b\n', '--- # tail\n', '---']],
  ['a: b\r\n---\r\nc: d\r\n', ['a: b\r\n', '---\r\nc: d\r\n']],
  ['a: |\n  ---\n  b\n---x: 1\n ---\n', ['a: |\n  ---\n  b\n---x: 1\n ---\n']],
  ['a: b\n...\n---\nc: d', ['a: b\n...\n---\nc: d']],
  ['%YAML 1.2\n---\na: b\n---\nc: d', ['%YAML 1.2\n---\na: b\n---\nc: d']],
  ['a: b\r---\rc: d', ['a: b\r---\rc: d']],
])('%j', (text, expected) => expect(splitDocuments(text).map((part) => part.text)).toEqual(expected));

test('parts know their line, and together are the file', () => {
  const text = 'a: 1\n\n---\nb: 2\n---\nc: 3\n';
  const parts = splitDocuments(text);
  expect(parts.map(({ linesBefore }) => linesBefore)).toEqual([0, 2, 4]);
  expect(parts.map((part) => part.text).join('')).toBe(text);
});

test.each([
  'a: |\n  x\n---\nb: "y\n  z"\n---\n- c\n',
  '---\na: [1,\n  2]\n---\n---\nb: 1\n',
  'a: &x 1\nb: *x\n---\nc: 2\n',
])('documents read by themselves are those of the whole file %#', (text) => {
  const values = (part: string) => {
    const documents = parseAllDocuments(part);
    return Array.isArray(documents) ? documents.map((document): unknown => document.toJS()) : [];
  };
  expect(splitDocuments(text).flatMap((part) => values(part.text))).toEqual(values(text));
});

test('an issue in a later document has its line in the file, whichever way the document was read', () => {
  const block = 'apiVersion: v1\nkind: Service\nmetadata:\n  name: b\nspec:\n  ports:\n  - port: §0\n';
  for (const text of [
    `${service('a')}---\n${block}`,
    `# head\n---\n${service('a')}\n---\n${block.replace('§0', '§0 # none')}`,
  ]) {
    const { text: written, line, column } = marked(text);
    expect(parse(written).issues).toMatchObject([
      { line, column, path: 'spec.ports[0].port', message: '0 is not a port' },
    ]);
  }
});

test('a syntax error in one document leaves the others', () => {
  const { resources, issues } = parse(`${service('a')}---\na: [\n---\n${service('b')}`);
  expect(resources.services.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(issues).toMatchObject([{ severity: 'error', line: 8 }]);
});

test("a kind's own list has items of its kind; a List of nothing is nothing", () => {
  const item = '- metadata:\n    name: chat\n  spec: {}\n';
  const { resources, issues } = parse(
    `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRouteList\nmetadata: {}\nitems:\n${item}`,
  );
  expect(issues).toEqual([]);
  expect(resources.httpRoutes).toMatchObject([{ name: 'chat', apiVersion: 'gateway.networking.k8s.io/v1' }]);
  const whole = route().trim().split('\n').join('\n    ');
  expect(parse(`apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRouteList\nitems:\n  - ${whole}`).issues).toEqual(
    [],
  );
  const wrong = marked(
    `apiVersion: v1\nkind: ServiceList\nitems:\n- metadata:\n    name: a\n  spec:\n    ports:\n    - port: §0\n`,
  );
  expect(parse(wrong.text).issues).toMatchObject([
    { line: wrong.line, column: wrong.column, resource: 'Service default/a' },
  ]);
});
