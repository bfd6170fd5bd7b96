import fc from 'fast-check';
import { expect, test } from 'vitest';
import { agrees, edited, timesAgreed } from '../testing/plain-agreement.js';
import { readJson } from './plain-json.js';

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
    expect(agrees(readJson, text)).toBe(true);
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
  expect(timesAgreed(readJson, anyDocument, { seed: 21, numRuns: 2000 })).toBeGreaterThan(300);
});

const PUTS = ['', ' ', '\n', '\n  ', '"', ':', ',', '{', '}', '[', ']', '#', ' #', '-', '.', 'e', '0', '1', '"a":1,'];

test('what is read is what the package reads, near the border of the language', () => {
  expect(timesAgreed(readJson, edited(anyDocument, PUTS), { seed: 22, numRuns: 4000 })).toBeGreaterThan(100);
});
