import { expect, test } from 'vitest';
import { brief, marked, parse } from '../testing/manifests.js';
import { configMapValue, secretValue } from './secret.js';

const secret = (body: string) => `apiVersion: v1\nkind: Secret\nmetadata: { name: a }\n${body}`;
const configMap = (body: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n${body}`;

test('a Secret: base64 in data, perhaps over several lines; plain text in stringData, which wins', () => {
  const { resources, issues } = parse(
    secret(
      'type: kubernetes.io/tls\nimmutable: true\ndata:\n  tls.crt: |\n    aGVs\n    bG8=\n  b: Yg==\nstringData: { b: text }',
    ),
  );
  expect(issues).toEqual([]);
  const spec = resources.secrets[0]?.spec;
  if (spec === undefined) throw new Error('no Secret');
  expect(spec.type).toBe('kubernetes.io/tls');
  expect(secretValue(spec, 'tls.crt')?.toString()).toBe('hello');
  expect(secretValue(spec, 'b')?.toString()).toBe('text');
  expect(secretValue(spec, 'c')).toBeUndefined();
  expect(secretValue(spec, 'toString')).toBeUndefined();
});

test('a Secret without anything is an empty, opaque one', () => {
  expect(parse(secret('')).resources.secrets[0]?.spec).toEqual({ type: 'Opaque', data: {}, stringData: {} });
});

test('a value stands in the Secret or in a file, not in both', () => {
  const named = (key: string, path: string) => `metadata: { name: a, annotations: { sluice.dev/${key}: ${path} } }`;
  const of = (key: string, path: string, body: string) =>
    parse(secret(body).replace('metadata: { name: a }', named(key, path))).issues;
  expect(of('key-file', '/key', 'data: { tls.crt: Yg== }')).toEqual([]);
  for (const [key, value, field] of [
    ['certificate-file', 'tls.crt', 'data'],
    ['key-file', 'tls.key', 'stringData'],
    ['ca-file', 'ca.crt', 'data'],
  ] as const) {
    const [issue, ...more] = of(key, '/file', `${field}: { ${value}: Yg== }`);
    expect(more).toEqual([]);
    expect(issue).toMatchObject({
      severity: 'error',
      line: 3,
      path: `metadata.annotations["sluice.dev/${key}"]`,
      message: `names a file for ${value}, which is in ${field} too`,
    });
  }
  expect(brief(of('ca-file', '""', ''))).toEqual(['metadata.annotations["sluice.dev/ca-file"]: is empty']);
});

test('what is no base64 is an error at its place, and no message shows a value', () => {
  const { text, line, column } = marked(secret('data: { password: §hunter2-secret }'));
  const { issues } = parse(text);
  expect(issues).toMatchObject([{ severity: 'error', line, column, path: 'data.password', message: 'must be base64' }]);
  const wrongTypes = parse(
    secret('type: 12345678\ndata: { a: 12345678, b: [hunter2] }\nstringData: { c: 87654321, d: true }'),
  );
  expect(wrongTypes.issues).toHaveLength(5);
  const printed = JSON.stringify([issues, wrongTypes.issues]);
  for (const value of ['hunter2', '12345678', '87654321']) expect(printed).not.toContain(value);
});

test.each(['*hunter2', '|hunter2', '!hunter2 a', '%hunter2', '"a" hunter2', '[hunter2'])(
  'what is no YAML is an error that shows nothing of the text: %s',
  (value) => {
    const { issues } = parse(secret(`stringData:\n  password: ${value}`));
    expect(issues.filter(({ severity }) => severity === 'error')).not.toEqual([]);
    expect(JSON.stringify(issues)).not.toContain('hunter2');
  },
);

test('a ConfigMap: text and base64', () => {
  const { resources, issues } = parse(configMap('data: { ca.crt: text }\nbinaryData: { b: aGVsbG8= }'));
  expect(issues).toEqual([]);
  const spec = resources.configMaps[0]?.spec;
  if (spec === undefined) throw new Error('no ConfigMap');
  expect(configMapValue(spec, 'ca.crt')?.toString()).toBe('text');
  expect(configMapValue(spec, 'b')?.toString()).toBe('hello');
  expect(configMapValue(spec, 'constructor')).toBeUndefined();
  expect(brief(parse(configMap('data: { a: 1 }')).issues)).toEqual(['data.a: must be a string, not the number 1']);
});

test('a Namespace has labels and is in none', () => {
  const { resources, issues } = parse(
    'apiVersion: v1\nkind: Namespace\nmetadata: { name: a, labels: { team: chat } }\nspec: { finalizers: [x] }',
  );
  expect(issues).toEqual([]);
  expect(resources.namespaces).toMatchObject([{ name: 'a', namespace: '', labels: { team: 'chat' } }]);
});
