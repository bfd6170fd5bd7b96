import type { RedirectSnapshot } from '@sluice/shared/snapshot/rule-policy';
import { describe, expect, it } from 'vitest';
import { HEAD_LIMITS, parseResponseHead } from './head.js';
import { ownAnswerBytes } from './own-answer.js';
import { redirectAnswer } from './redirect.js';
import { isRefusal } from './refusal.js';

const REDIRECT: RedirectSnapshot = { scheme: '', hostname: '', path: null, port: -1, status: 302 };
const REQUEST = { host: 'a.test', query: undefined, path: '/foo/bar', prefixLength: 4 };
const HTTP = { protocol: 'HTTP', port: 80 } as const;
const HTTPS = { protocol: 'HTTPS', port: 443 } as const;

function location(
  redirect: Partial<RedirectSnapshot>,
  request: Partial<typeof REQUEST> | { query: string } = {},
  listener: { protocol: 'HTTP' | 'HTTPS'; port: number } = HTTP,
): string {
  const answer = redirectAnswer({ ...REDIRECT, ...redirect }, { ...REQUEST, ...request }, listener);
  return answer.fields.replace(/^Location: (.*)\r\n$/, '$1');
}

describe('the Location', () => {
  it.each<[string, string, Parameters<typeof location>]>([
    ['nothing said', 'http://a.test/foo/bar', [{}]],
    ['the listener of another port', 'http://a.test:8080/foo/bar', [{}, {}, { protocol: 'HTTP', port: 8080 }]],
    ['https on its own port', 'https://a.test/foo/bar', [{}, {}, HTTPS]],
    [
      'a scheme, whose port is its own',
      'https://a.test/foo/bar',
      [{ scheme: 'https', port: 0 }, {}, { ...HTTP, port: 8080 }],
    ],
    ['http on 443', 'http://a.test:443/foo/bar', [{ scheme: 'http', port: 443 }]],
    ['https on 80', 'https://a.test:80/foo/bar', [{ scheme: 'https', port: 80 }]],
    ["an explicit port that is the scheme's own", 'https://a.test/foo/bar', [{ scheme: 'https', port: 443 }]],
    ['a port', 'http://a.test:8443/foo/bar', [{ port: 8443 }]],
    ['a hostname', 'http://b.test/foo/bar', [{ hostname: 'b.test' }]],
    ['a full path', 'http://a.test/x', [{ path: { type: 'full', value: '/x' } }]],
    ['a prefix', 'http://a.test/x/bar', [{ path: { type: 'prefix', value: '/x' } }]],
    ['a query', 'http://a.test/x?a=b&c', [{ path: { type: 'full', value: '/x' } }, { query: 'a=b&c' }]],
    ['an empty query', 'http://a.test/foo/bar?', [{}, { query: '' }]],
    ['an IPv6 host', 'http://[::1]:8080/foo/bar', [{ port: 8080 }, { host: '[::1]' }]],
    ['no host', '/foo/bar', [{ scheme: 'https', port: 0 }, { host: '' }]],
  ])('of %s is %s', (_name, expected, args) => {
    expect(location(...args)).toBe(expected);
  });
});

describe('the answer', () => {
  it.each([301, 302, 303, 307, 308] as const)('with %i is whole', (status) => {
    const answer = redirectAnswer({ ...REDIRECT, status }, REQUEST, HTTP);
    const bytes = ownAnswerBytes(answer, 'ID', 'DATE', 'GET');
    const split = bytes.indexOf('\r\n\r\n') + 4;
    const head = parseResponseHead(bytes.slice(0, split), HEAD_LIMITS);
    if (isRefusal(head)) throw new Error(head.detail);
    expect([head.status, head.reason === '']).toEqual([status, false]);
    const fields = Object.fromEntries(head.fields.map(({ lowerName, value }) => [lowerName, value]));
    expect(fields).toMatchObject({ location: 'http://a.test/foo/bar', connection: 'close', 'x-request-id': 'ID' });
    expect(fields['content-length']).toBe(String(bytes.length - split));
    expect(ownAnswerBytes(answer, 'ID', 'DATE', 'HEAD')).toBe(bytes.slice(0, split));
  });
});
