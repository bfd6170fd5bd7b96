import type { HostSnapshot, MatchSnapshot } from '@sluice/shared/snapshot/snapshot';
import { aListener, aSnapshot, viewOf } from '@sluice/shared/testing/snapshots';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HEAD_LIMITS, parseRequestHead } from './head.js';
import { isRefusal } from './refusal.js';
import { RequestView } from './request-match.js';
import { createRouter } from './router.js';

interface Wanted {
  readonly exact?: string;
  readonly prefix?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
}

/** Hosts with their matches in order of precedence; the rules have the names that stand before the matches. */
function router(hosts: Readonly<Record<string, Readonly<Record<string, Wanted>>>>) {
  const names: string[] = [];
  const entries = (of: Readonly<Record<string, string>> = {}) =>
    Object.entries(of).map(([name, value]) => ({ name, value, regex: false }));
  const match = ([name, wanted]: [string, Wanted]): MatchSnapshot => ({
    pathType: wanted.exact === undefined ? 'PathPrefix' : 'Exact',
    path: wanted.exact ?? wanted.prefix ?? '/',
    method: wanted.method ?? '',
    headers: entries(wanted.headers),
    queryParams: entries(wanted.query),
    rule: names.push(name) - 1,
  });
  const served = Object.entries(hosts).map(
    ([hostname, matches]): HostSnapshot => ({ hostname, matches: Object.entries(matches).map(match) }),
  );
  const snapshot = viewOf(aSnapshot({ listeners: [aListener({ hosts: served })] }));
  return { router: createRouter(snapshot), names };
}

function request(target: string, lines: readonly string[] = [], host = 'a.test', method = 'GET') {
  const text = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...lines, '', ''].join('\r\n');
  const head = parseRequestHead(text, HEAD_LIMITS);
  if (isRefusal(head)) throw new Error(`${head.code}: ${text}`);
  return head;
}

const { router: table, names } = router({
  'a.test': {
    exactHeader: { exact: '/x', headers: { env: 'canary' } },
    deepHeader: { prefix: '/x/y', headers: { env: 'canary' } },
    put: { prefix: '/x', method: 'PUT' },
    get: { prefix: '/x', method: 'GET', headers: { a: '1', b: '2' } },
    both: { prefix: '/x', headers: { a: '1', b: '2' } },
    one: { prefix: '/x', headers: { a: '1' }, query: { q: '1' } },
    query: { prefix: '/x', query: { q: '1', r: '2' } },
    plain: { prefix: '/x' },
    shadowed: { prefix: '/x', headers: { never: '1' } },
    list: { prefix: '/l', headers: { a: '1, 2' } },
    cookie: { prefix: '/l', headers: { cookie: 'a=1; b=2' } },
    host: { prefix: '/l', headers: { host: 'A.test' } },
    space: { prefix: '/q', query: { p: 'a b' } },
    plus: { prefix: '/q', query: { p: 'a+b' } },
    umlaut: { prefix: '/q', query: { p: 'ü' } },
    twice: { prefix: '/q', query: { p: '%20' } },
    equals: { prefix: '/q', query: { p: 'a=b' } },
    semicolon: { prefix: '/q', query: { p: 'a;p=b' } },
    upper: { prefix: '/q', query: { P: 'x' } },
    ampersand: { prefix: '/q', query: { 'n&m': 'x&y' } },
    proto: { prefix: '/q', query: { valueOf: 'x', constructor: 'y' } },
  },
  '*.test': { wildHeader: { prefix: '/x', headers: { wild: '1' } }, wild: { prefix: '/w' } },
  '': { any: { query: { any: '1' } } },
});

function routed(target: string, lines?: readonly string[], host?: string, method?: string): string {
  const head = request(target, lines, host, method);
  const found = table.route(0, head.host, head.path, head);
  return isRefusal(found) ? String(found.status) : (names[found.rule] ?? '');
}

describe('method, headers and query parameters', () => {
  it.each([
    ['/x', ['env: canary'], 'exactHeader'],
    ['/x', ['ENV: canary'], 'exactHeader'],
    ['/x', ['env:canary \t'], 'exactHeader'],
    ['/x', ['env: Canary'], 'plain'],
    ['/x', ['env: canary2'], 'plain'],
    ['/x', ['env:'], 'plain'],
    ['/x', ['environment: canary'], 'plain'],
    ['/x', ['env: canary', 'env: other'], 'plain'],
    ['/x', ['env: other', 'env: canary'], 'plain'],
    ['/x/', ['env: canary'], 'plain'],
    ['/x/y', ['env: canary'], 'deepHeader'],
    ['/x/y/z', ['env: canary'], 'deepHeader'],
    ['/x/y', [], 'plain'],
    ['/x/y', ['a: 1', 'b: 2'], 'get'],
    ['/x', ['a: 1', 'b: 2'], 'get'],
    ['/x', ['b: 2', 'z: 0', 'a: 1'], 'get'],
    ['/x?q=1', ['a: 1', 'b: 2'], 'get'],
    ['/x', ['a: 1'], 'plain'],
    ['/x?q=1', ['a: 1'], 'one'],
    ['/x?q=1', ['b: 2'], 'plain'],
    ['/x?q=1&r=2', [], 'query'],
    ['/x?r=2&q=1', [], 'query'],
    ['/x?r=2&&q=1&', [], 'query'],
    ['/x?q=1&q=0&r=2', [], 'query'],
    ['/x?q=0&q=1&r=2', [], 'plain'],
    ['/x?%71=1&r=%32', [], 'query'],
    ['/x?q=&r=2', [], 'plain'],
    ['/x?q&r=2', [], 'plain'],
    ['/x?q&q=1&r=2', [], 'plain'],
    ['/x?', [], 'plain'],
    ['/x', ['never: 1'], 'plain'],
    ['/l', ['a: 1', 'a: 2'], 'list'],
    ['/l', ['a: 1, 2'], 'list'],
    ['/l', ['a: 2', 'a: 1'], '404'],
    ['/l', ['a: 1,2'], '404'],
    ['/l', ['cookie: a=1', 'Cookie: b=2'], 'cookie'],
    ['/q?p=a%20b', [], 'space'],
    ['/q?p=a+b', [], 'plus'],
    ['/q?p=a%2Bb', [], 'plus'],
    ['/q?p=%C3%BC', [], 'umlaut'],
    ['/q?p=%fc', [], '404'],
    ['/q?p=%FC&p=%C3%BC', [], '404'],
    ['/q?p=%2520', [], 'twice'],
    ['/q?p=%20', [], '404'],
    ['/q?p=a%20b%', [], '404'],
    ['/q?p=a=b', [], 'equals'],
    ['/q?p=a;p=b', [], 'semicolon'],
    ['/q?p=x', [], '404'],
    ['/q?P=x', [], 'upper'],
    ['/q?n%26m=x%26y', [], 'ampersand'],
    ['/q?n&m=x&y', [], '404'],
    ['/q?valueOf=x&constructor=y', [], 'proto'],
    ['/q', [], '404'],
    ['/q?%=1&%zz=2&p=a%20b', [], 'space'],
    ['/q?any=1', [], 'any'],
    ['/w', ['env: canary'], 'wild'],
    ['/none?any=1', [], 'any'],
    ['/none', [], '404'],
  ] as const)('%s %j: %s', (target, lines, expected) => {
    expect(routed(target, lines)).toBe(expected);
  });

  it.each([
    ['a.test', 'PUT', '/x', [], 'put'],
    ['a.test', 'put', '/x', [], 'plain'],
    ['a.test', 'POST', '/x', ['a: 1', 'b: 2'], 'both'],
    ['a.test', 'PUT', '/x', ['env: canary'], 'exactHeader'],
    ['A.test', 'GET', '/l', [], 'host'],
    ['b.test', 'GET', '/x', ['wild: 1'], 'wildHeader'],
    ['b.test', 'GET', '/x?any=1', [], 'any'],
    ['b.test', 'GET', '/x', [], '404'],
    ['other', 'GET', '/x?any=1', ['wild: 1'], 'any'],
  ] as const)('%s %s %s %j: %s', (host, method, target, lines, expected) => {
    expect(routed(target, lines, host, method)).toBe(expected);
  });

  it('nothing of a request is kept for the next', () => {
    expect(routed('/x?q=1&r=2', ['env: canary'])).toBe('exactHeader');
    expect(routed('/x')).toBe('plain');
  });
});

describe('whatever a query holds', () => {
  it('reading it does not throw, and finds the first parameter that was written', () => {
    const piece = fc.constantFrom('p', '=', '&', '%', '%70', '%ff', '%C3%BC', '+', ';', '?', 'x');
    const view = new RequestView();
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.string({ unit: 'grapheme' }), (pieces, value) => {
        const before = pieces.join('').replaceAll(/p|%70/g, 'r');
        const query = `${before}&p=${encodeURIComponent(value)}&p=later`;
        view.show({ method: 'GET', fields: [], query });
        expect(view.parameter('p')).toBe(value);
        expect(() => view.parameter('r')).not.toThrow();
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});
