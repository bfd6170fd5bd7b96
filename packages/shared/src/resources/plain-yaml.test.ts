import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deployment } from '../testing/manifests.js';
import { agrees, byPackage, edited, timesAgreed } from '../testing/plain-agreement.js';
import { readPlain } from './plain-yaml.js';

test('a manifest as kubectl prints it is read', () => {
  const text = `---
# a comment
apiVersion: v1
kind: Service
metadata:
  name: chat
  annotations:
    sluice.dev/dns-name: "tasks.chat"
    empty:
  creationTimestamp: '2026-01-31T12:00:00Z'
spec:
  ports:
  - name: ws
    port: 80
    targetPort: 8080

  - port: 443
    hosts:
      - a.b
      -
        c: d
      -
  selector: {}
  list: []
  flags: [  ]
`.replace('  flags: [  ]\n', '');
  expect(readPlain(text)).toEqual(byPackage(text));
  expect(readPlain(text)).toMatchObject({
    metadata: { annotations: { 'sluice.dev/dns-name': 'tasks.chat' } },
    spec: { ports: [{ name: 'ws', port: 80 }, { hosts: ['a.b', { c: 'd' }, null] }], selector: {} },
  });
});

test.each([
  'a: &x 1',
  'a: *x',
  'a: !!str 1',
  'a: |\n  b',
  'a: >\n  b',
  'a: [b]',
  'a: { b: c }',
  'a: b # c',
  'a: "b\\n"',
  "a: 'b''c'",
  'a: b\n c',
  'a: b\n  c: d',
  'a: 1\na: 2',
  'a:\n  b: 1\n c: 2',
  'a:\n- b\n c',
  '<<: {}',
  'true: a',
  '__proto__: a',
  'a: 0x1f',
  'a: 1.5',
  'a: .inf',
  'a: 012',
  'a: 1e3',
  'a: 12345678901234567890',
  'a:\tb',
  'a: b\r\nc: d',
  'a: é',
  'a: b: c',
  'a: b:',
  '- a',
  'a',
  '',
  '--- a: b',
  '---\n---\na: b',
  'a: b\n---\nc: d',
  '? a\n: b',
  ' a: b',
])('%j is left to the package', (text) => expect(readPlain(text)).toBeUndefined());

/** Pieces of which lines near the border of the language are made. */
const VALUES = [
  '',
  'a',
  'b c',
  '1',
  '0',
  '-1',
  '012',
  '1.5',
  '.5',
  '1.',
  '1e3',
  '0x1f',
  '0o7',
  '1_000',
  '+1',
  '.inf',
  '.nan',
  'null',
  'Null',
  '~',
  'true',
  'True',
  'yes',
  'no',
  'on',
  '1h30m',
  '10.0.0.1',
  '2026-01-31',
  '2023-06',
  '1:2',
  'a:b',
  'a: b',
  'a:',
  '::1',
  'http://a.b/c',
  '"a"',
  '"a: b"',
  '"a # b"',
  '"a\\tb"',
  "'a'",
  "'it''s'",
  "''",
  '""',
  '"',
  '[]',
  '{}',
  '[a]',
  '{a: b}',
  '&a b',
  '*a',
  '!a',
  '|',
  '>',
  '- a',
  '-',
  '--',
  '---',
  '...',
  '#a',
  'a #b',
  'a#b',
  '%a',
  '@a',
  '`a',
  '? a',
  ', a',
  'a,b',
  '=',
  '<<',
  'a  b',
  'a ',
  '$(A)',
  '*.a.b',
  '9007199254740993',
  '999999999999999',
  '1000000000000000',
] as const;
const KEYS = [
  'd',
  'e',
  'f',
  'g',
  'h',
  'i',
  'a',
  'b',
  'c',
  'key',
  'a.b/c-d',
  'null',
  'true',
  '1',
  '"a"',
  "'b'",
  '<<',
  '__proto__',
  'constructor',
  'a b',
  '',
] as const;

const line = fc.record({
  indent: fc.constantFrom(0, 0, 0, 0, 1, 2, 2, 4),
  dash: fc.constantFrom('', '', '', '- ', '-   ', '- - ', '-'),
  key: fc.option(fc.constantFrom(...KEYS), { freq: 12 }),
  gap: fc.constantFrom(' ', ' ', ' ', '  ', ''),
  value: fc.constantFrom(...VALUES),
});

const anyText = fc
  .array(line, { minLength: 1, maxLength: 5 })
  .map((lines) =>
    lines
      .map(
        ({ indent, dash, key, gap, value }) =>
          `${' '.repeat(indent)}${dash}${key === null ? '' : `${key}:${gap}`}${value}`,
      )
      .join('\n'),
  );

/** Values that are mostly within the language, nested as manifests are. */
const { tree } = fc.letrec((tie) => ({
  leaf: fc.constantFrom('a', 'b c', '1', 'true', '"x y"', "'z'", '10.0.0.1', '[]', '{}', '1h', ''),
  tree: fc.oneof({ maxDepth: 4 }, tie('leaf'), tie('mapping'), tie('sequence')),
  mapping: fc.dictionary(fc.constantFrom('a', 'b', 'name', 'x.y/z'), tie('tree'), { minKeys: 1, maxKeys: 3 }),
  sequence: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
}));

/** A tree as a block, with this step of indentation. */
function written(value: unknown, indent: number, step: number): string {
  const pad = ' '.repeat(indent);
  if (Array.isArray(value)) {
    return value
      .map((item) =>
        typeof item === 'string' ? `${pad}- ${item}` : `${pad}- ${written(item, indent + 2, step).trimStart()}`,
      )
      .join('\n');
  }
  if (typeof value === 'string') return `${pad}${value}`;
  return Object.entries(value as object)
    .map(([key, item]) =>
      typeof item === 'string'
        ? `${pad}${key}: ${item}`
        : `${pad}${key}:\n${written(item, indent + (Array.isArray(item) ? step - 2 : step), step)}`,
    )
    .join('\n');
}

test('what is read is what the package reads, whatever the lines are', () => {
  expect(timesAgreed(readPlain, anyText, { seed: 11, numRuns: 2000 })).toBeGreaterThan(0);
});

const PUTS = [
  '',
  ' ',
  '  ',
  '\n',
  '\n  ',
  '\n- ',
  '- ',
  ': ',
  ':',
  '#',
  ' #',
  '"',
  "'",
  'a',
  '1',
  '0',
  '.',
  '*',
  '&',
  '|',
  '---\n',
  '\n---\n',
];
const root = fc.dictionary(fc.constantFrom('a', 'b', 'c'), tree, { minKeys: 1 });

test('what is read is what the package reads, near the border of the language', () => {
  const texts = edited(
    root.map((value) => written(value, 0, 2)),
    PUTS,
  );
  expect(timesAgreed(readPlain, texts, { seed: 13, numRuns: 2000 })).toBeGreaterThan(50);
});

test('what is read is what the package reads, within the language', () => {
  const texts = fc.tuple(root, fc.constantFrom(2, 4)).map(([value, step]) => written(value, 0, step));
  expect(timesAgreed(readPlain, texts, { seed: 12, numRuns: 1000 })).toBeGreaterThan(300);
});

test('a change of one character is never read as something else than the package reads', () => {
  const text = deployment();
  const block =
    'apiVersion: v1\nkind: Service\nmetadata:\n  name: chat\n  labels:\n    a: "b"\nspec:\n  ports:\n  - port: 80\n    name: ws\n  - port: 81\n';
  expect(agrees(readPlain, block)).toBe(true);
  expect(agrees(readPlain, text)).toBe(false);
  for (let at = 0; at < block.length; at++) {
    for (const character of [' ', ':', '-', '#', '"', '\n', 'x', '0', '*', '[', '\t']) {
      agrees(readPlain, block.slice(0, at) + character + block.slice(at + 1));
      agrees(readPlain, block.slice(0, at) + character + block.slice(at));
    }
    agrees(readPlain, block.slice(0, at) + block.slice(at + 1));
  }
});
