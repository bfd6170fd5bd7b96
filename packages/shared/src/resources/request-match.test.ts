import { expect, test } from 'vitest';
import { marked, parse, route } from '../testing/manifests.js';

/** A route with one rule of one match, this flow mapping without braces. */
function withMatch(match: string): string {
  return route({ rules: [`matches: [{ ${match} }]`] });
}

test.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'])('method %s', (method) => {
  const { resources, issues } = parse(withMatch(`method: ${method}`));
  expect(issues).toEqual([]);
  expect(resources.httpRoutes[0]?.spec.rules[0]?.matches).toMatchObject([{ method, headers: [], queryParams: [] }]);
});

test('headers and query parameters are Exact by default', () => {
  const text = withMatch(
    'headers: [{ name: X-Env, value: "a b" }, { type: Exact, name: "!#$%&\'*+-.^_`|~0", value: "\\"" }], ' +
      'queryParams: [{ name: Room, value: "ü +&=" }, { type: Exact, name: p, value: " " }]',
  );
  const { resources, issues } = parse(text);
  expect(issues).toEqual([]);
  expect(resources.httpRoutes[0]?.spec.rules[0]?.matches).toMatchObject([
    {
      headers: [
        { type: 'Exact', name: 'X-Env', value: 'a b' },
        { type: 'Exact', name: "!#$%&'*+-.^_`|~0", value: '"' },
      ],
      queryParams: [
        { type: 'Exact', name: 'Room', value: 'ü +&=' },
        { type: 'Exact', name: 'p', value: ' ' },
      ],
    },
  ]);
});

test.each([
  ['method: §get', 'method', '"get" is not a value of this field'],
  ['method: §"*"', 'method', '"*" is not a value of this field'],
  ['headers: §{ name: a, value: b }', 'headers', 'must be a sequence, not a mapping'],
  ['headers: [§{ value: b }]', 'headers[0].name', 'is required'],
  ['headers: [{ name: a, value: b }, §{ name: c }]', 'headers[1].value', 'is required'],
  ['headers: [{ name: a, value: §1 }]', 'headers[0].value', 'must be a string, not the number 1'],
  ['headers: [{ name: a, value: §"" }]', 'headers[0].value', '"" is empty'],
  ['headers: [{ name: a, value: §" b" }]', 'headers[0].value', '" b" is not a header value'],
  ['headers: [{ name: a, value: §"b " }]', 'headers[0].value', '"b " is not a header value'],
  ['headers: [{ name: a, value: §"ü" }]', 'headers[0].value', '"ü" is not a header value'],
  ['headers: [{ name: a, value: §"b\\nc" }]', 'headers[0].value', '"b\\nc" is not a header value'],
  ['headers: [{ name: §":method", value: b }]', 'headers[0].name', '":method" is not the name of a header'],
  ['headers: [{ name: §"", value: b }]', 'headers[0].name', '"" is not the name of a header'],
  ['headers: [{ name: §a b, value: b }]', 'headers[0].name', '"a b" is not the name of a header'],
  ['headers: [{ name: a, value: b, §values: [] }]', 'headers[0].values', 'unknown field'],
  [
    'headers: [{ type: RegularExpression, name: a, value: §"(" }]',
    'headers[0].value',
    '"(" is not a regular expression of RE2: missing closing ): `(`',
  ],
  ['headers: [{ type: §Prefix, name: a, value: b }]', 'headers[0].type', '"Prefix" is not a value of this field'],
  ['queryParams: [§{ value: b }]', 'queryParams[0].name', 'is required'],
  ['queryParams: [{ name: a, value: §"" }]', 'queryParams[0].value', '"" is empty'],
  ['queryParams: [{ name: §"a=b", value: b }]', 'queryParams[0].name', '"a=b" is not the name of a query parameter'],
  [
    'queryParams: [{ type: RegularExpression, name: a, value: §"a**" }]',
    'queryParams[0].value',
    '"a**" is not a regular expression of RE2: invalid nested repetition operator: `**`',
  ],
])('match { %s }', (match, path, message) => {
  const { text, line, column } = marked(withMatch(match));
  const { resources, issues } = parse(text);
  expect(issues).toMatchObject([
    { severity: 'error', line, column, path: `spec.rules[0].matches[0].${path}`, message },
  ]);
  expect(resources.httpRoutes).toEqual([]);
});

test.each(['headers', 'queryParams'])('%s: at most 16', (field) => {
  const list = (count: number) =>
    `${field}: §[${Array.from({ length: count }, (_, index) => `{ name: n${index}, value: v }`).join(', ')}]`;
  expect(parse(withMatch(list(16).replace('§', ''))).issues).toEqual([]);
  const { text, line, column } = marked(withMatch(list(17)));
  expect(parse(text).issues).toMatchObject([{ line, column, message: 'must have at most 16 entries' }]);
});

test.each([
  ['headers', 'name', 256],
  ['headers', 'value', 4096],
  ['queryParams', 'name', 256],
  ['queryParams', 'value', 1024],
])('%s: a %s has a longest length, %d', (field, key, length) => {
  const entry = { name: 'a', value: 'b' };
  const of = (count: number) => withMatch(`${field}: [${JSON.stringify({ ...entry, [key]: 'x'.repeat(count) })}]`);
  expect(parse(of(length)).issues).toEqual([]);
  expect(parse(of(length + 1)).issues).toMatchObject([{ message: `is longer than ${length} characters` }]);
});

test('a long value that is none costs no time', () => {
  const value = `${'a'.repeat(4095)}\u0001`;
  expect(parse(withMatch(`headers: [${JSON.stringify({ name: 'a', value })}]`)).issues).toHaveLength(1);
});
