import { expect, test } from 'vitest';
import { REGEX_LENGTH_MAX, regexFault } from './regular-expression.js';

test.each(['', '/a', '/users/[0-9]+(/.*)?', '(?i)chat', '^/a$', '\\pL+', '(?P<id>\\d+)', 'a{1000}'])(
  '%j compiles',
  (text) => expect(regexFault(text)).toBeUndefined(),
);

test.each([
  ['a(?=b)', 'invalid or unsupported Perl syntax'],
  ['(?<!a)b', 'invalid'],
  ['(a)\\1', 'invalid escape sequence'],
  ['(', 'missing closing )'],
  ['[a', 'missing closing ]'],
  ['*', 'missing argument to repetition operator'],
  ['a**', 'invalid nested repetition operator'],
  ['a{1001}', 'invalid repeat count'],
  ['(a{1000}){1000}', 'invalid repeat count'],
  ['a++', 'invalid nested repetition operator'],
])('%j is refused with the reason of the dialect', (text, reason) => {
  expect(regexFault(text)).toMatch(/^is not a regular expression of RE2: [^\n]+\nRE2 has no /);
  expect(regexFault(text)).toContain(reason);
});

test('the length is bounded', () => {
  expect(regexFault('a'.repeat(REGEX_LENGTH_MAX))).toBeUndefined();
  expect(regexFault('a'.repeat(REGEX_LENGTH_MAX + 1))).toBe('is longer than 1024 characters');
});

test.each(['.{0,1000}', 'a{1000}b{1000}', '(.{0,30}x){30}'])('what %j compiles to is too large', (text) => {
  expect(regexFault(text)).toMatch(/^compiles to \d+ instructions, and at most 1200 are possible\nrepetitions/);
});

test.each(['.*a.{100}', '(.*a.{12})b', '(?:.*[ab].{20}){15}', '.*/ws/.{0,40}'])(
  '%j can be in too many states',
  (text) => {
    expect(regexFault(text)).toMatch(/^can be in too many states at once to be matched in bounded time\na counted /);
  },
);

test.each([
  '(.*; )?canary=always(;.*)?',
  '(?i).*(iphone|ipad|android).*Firefox/[0-9]{2,3}.*',
  '/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?:/.*)?',
  '[^/]{1,100}/.{1,255}',
  '\\bfoo\\b.*\\bbar\\b',
  `/(?:${Array.from({ length: 70 }, (_, each) => `user-${each * 7919}`).join('|')})/.*`,
])('%j can be in few states', (text) => expect(regexFault(text)).toBeUndefined());

test('nesting to the bound of the length is no more than a fault', () => {
  const depth = Math.floor((REGEX_LENGTH_MAX - 1) / 2);
  expect(regexFault(`${'('.repeat(depth)}a${')'.repeat(depth)}`)).toBeUndefined();
  expect(regexFault('(?:a?){1000}'.repeat(85))).toSatisfy((fault) => fault === undefined || typeof fault === 'string');
});
