import { describe, expect, it } from 'vitest';
import { cookieValue, setCookieField } from './affinity.js';
import { HEAD_LIMITS, parseRequestHead } from './head.js';
import { isRefusal } from './refusal.js';

function value(...cookies: string[]): string {
  const lines = cookies.map((cookie) => `Cookie: ${cookie}\r\n`).join('');
  const head = parseRequestHead(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`, HEAD_LIMITS);
  if (isRefusal(head)) throw new Error(head.code);
  return cookieValue(head.fields, 'AGCAffinity');
}

describe('the affinity cookie of a request', () => {
  it.each<[string, string[], string]>([
    ['alone', ['AGCAffinity=abc'], 'abc'],
    ['first', ['AGCAffinity=abc; b=c'], 'abc'],
    ['last', ['a=b; AGCAffinity=abc'], 'abc'],
    ['without spaces', ['a=b;AGCAffinity=abc;c=d'], 'abc'],
    ['with blanks around it', ['a=b; \tAGCAffinity=abc \t; c=d'], 'abc'],
    ['in a second field', ['a=b', 'AGCAffinity=abc'], 'abc'],
    ['with = in it', ['AGCAffinity=a=b=='], 'a=b=='],
    ['twice: the first', ['AGCAffinity=one; AGCAffinity=two'], 'one'],
    ['twice, in two fields', ['AGCAffinity=one', 'AGCAffinity=two'], 'one'],
    ['empty, then another: the first', ['AGCAffinity=; AGCAffinity=two'], ''],
    ['as the end of a name', ['XAGCAffinity=abc'], ''],
    ['as the beginning of a name', ['AGCAffinityX=abc'], ''],
    ['in another case', ['agcaffinity=abc'], ''],
    ['as a value', ['a=AGCAffinity=abc'], ''],
    ['without a value', ['AGCAffinity'], ''],
    ['with a blank before =', ['AGCAffinity =abc'], ''],
    ['quoted', ['AGCAffinity="abc"'], ''],
    ['with a comma', ['AGCAffinity=a,b'], ''],
    ['with a blank inside', ['AGCAffinity=a b'], ''],
    ['beyond ASCII', ['AGCAffinity=\xe9'], ''],
    ['too long', [`AGCAffinity=${'x'.repeat(257)}`], ''],
    ['as long as may be', [`AGCAffinity=${'x'.repeat(256)}`], 'x'.repeat(256)],
    ['absent', ['a=b; c=d;'], ''],
    ['in an empty field', [''], ''],
    ['nowhere', [], ''],
  ])('%s', (_, cookies, expected) => {
    expect(value(...cookies)).toBe(expected);
  });
});

it('is set for every path, for no script, for this site', () => {
  const affinity = { cookie: 'nomnom', maxAgeS: 3600 };
  const field = 'Set-Cookie: nomnom=0123456789abcdef; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax';
  expect(setCookieField(affinity, '0123456789abcdef', false)).toBe(`${field}\r\n`);
  expect(setCookieField(affinity, '0123456789abcdef', true)).toBe(`${field}; Secure\r\n`);
});
