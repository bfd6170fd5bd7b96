import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readJson } from './plain-json.js';

/** What the package makes of a text: its value without null fields, or undefined when it complains. */
function byPackage(text: string): unknown {
  const documents = parseAllDocuments(text, { prettyErrors: false, merge: true, strict: true });
  const [document, ...more] = documents as Exclude<typeof documents, { empty: true }>;
  if (document === undefined || more.length > 0) return undefined;
  if (document.errors.length > 0 || document.warnings.length > 0) return undefined;
  return withoutNulls(document.toJS({ maxAliasCount: 0 }));
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([key, field]) => [key, withoutNulls(field)]),
  );
}

function agrees(text: string): boolean {
  const read = readJson(text);
  if (read === undefined) return false;
  expect(read, JSON.stringify(text)).toEqual(byPackage(text));
  return true;
}

test('a manifest as kubectl prints it is read', () => {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'chat', annotations: { 'sluice.dev/dns-name': 'tasks.chat: x # y' }, creationTimestamp: null },
    spec: { ports: [{ name: 'ws', port: 80, targetPort: -1.5e3 }, null, true], selector: {}, list: [] },
  };
  const { creationTimestamp: _, ...metadata } = service.metadata;
  for (const text of [JSON.stringify(service), `---\n${JSON.stringify(service, null, 4)}\n`]) {
    expect(readJson(text)).toEqual({ ...service, metadata });
    expect(agrees(text)).toBe(true);
  }
});

test.each([
  '',
  '[]',
  '"a"',
  'a: b',
  '{',
  '{a: b}',
  "{'a': 1}",
  '{"a": 1,}',
  '{"a": 1, "a": 2}',
  '{"a": {"b": 1, "c": 2, "b": 3}}',
  '{"a": "b\\n"}',
  '{"a": "\\u0041"}',
  '{"a": "é"}',
  '{"a":\t1}',
  '{"a": 1}\r\n',
  '{"a": 1} # b',
  '{"a": 1}\n---\n{"b": 1}',
  '{"__proto__": 1}',
  '{"<<": {"a": 1}}',
  '{"1": 1}',
  '{"": 1}',
  '{"a"\n: 1}',
  '{"a": 12345678901234567890}',
  `${'{"a":'.repeat(70)}1${'}'.repeat(70)}`,
  `${'{"a":['.repeat(50_000)}`,
  '--- {"a": 1}',
  '---\n---\n{"a": 1}',
])('%j is left to the package', (text) => expect(readJson(text)).toBeUndefined());

const anyValue = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom(null, true, false, '', 'a', 'a: b', '- #', '{}', "it's", '*', '0x1f', 'null', '<<', '1e3'),
    fc.integer({ min: -1e9, max: 1e9 }),
    fc.double({ noDefaultInfinity: true, noNaN: true }),
  ),
  value: fc.oneof({ maxDepth: 4 }, tie('leaf'), tie('mapping'), tie('sequence')),
  mapping: fc.dictionary(fc.constantFrom('a', 'b', 'name', 'x.y/z', 'null', 'true', '1', '<<'), tie('value'), {
    maxKeys: 4,
  }),
  sequence: fc.array(tie('value'), { maxLength: 3 }),
}));
const anyDocument = fc
  .tuple(anyValue.mapping, fc.constantFrom(0, 1, 2, 4), fc.constantFrom('', '---\n', '\n', '  '))
  .map(([value, step, before]) => `${before}${JSON.stringify(value, null, step)}`);

test('what is read is what the package reads', () => {
  let read = 0;
  fc.assert(
    fc.property(anyDocument, (text) => {
      if (agrees(text)) read++;
    }),
    { seed: 21, numRuns: 2000 },
  );
  expect(read).toBeGreaterThan(300);
});

const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.integer({ min: 0, max: 3 }),
  put: fc.constantFrom(
    '',
    ' ',
    '\n',
    '\n  ',
    '"',
    ':',
    ',',
    '{',
    '}',
    '[',
    ']',
    '#',
    ' #',
    '-',
    '.',
    'e',
    '0',
    '1',
    '"a":1,',
  ),
});

test('what is read is what the package reads, near the border of the language', () => {
  let read = 0;
  fc.assert(
    fc.property(anyDocument, fc.array(edit, { minLength: 1, maxLength: 3 }), (whole, edits) => {
      let text = whole;
      for (const { at, cut, put } of edits) {
        const offset = Math.floor(at * text.length);
        text = text.slice(0, offset) + put + text.slice(offset + cut);
      }
      if (agrees(text)) read++;
    }),
    { seed: 22, numRuns: 4000 },
  );
  expect(read).toBeGreaterThan(100);
});
