import { describe, expect, it } from 'vitest';
import { HEAD_LIMITS, parseRequestHead, type RequestHead } from './head.js';
import { checkOrigin, isAllowed, originOf } from './origins.js';
import { isRefusal } from './refusal.js';

function request(host: string, ...origins: readonly string[]): RequestHead {
  const fields = [`Host: ${host}`, ...origins.map((origin) => `oRigin: ${origin}`)];
  const head = parseRequestHead(`GET / HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`, HEAD_LIMITS);
  if (isRefusal(head)) throw new Error(head.code);
  return head;
}

function allowed(allow: readonly string[], origin: string, host = 'a.test', secure = false): boolean {
  const head = request(host, origin);
  const found = originOf(head.fields);
  if (found === undefined) throw new Error('no origin');
  return isAllowed(allow, found, head, secure);
}

describe('an allow-list', () => {
  it.each<[allow: string, origin: string, expected: boolean]>([
    ['https://a.com', 'https://a.com', true],
    ['https://a.com', 'HTTPS://A.com', true],
    ['https://a.com', 'https://a.com:443', true],
    ['https://a.com:443', 'https://a.com', true],
    ['http://a.com:080', 'http://a.com', true],
    ['https://a.com', 'https://a.com:8443', false],
    ['https://a.com:8443', 'https://a.com:8443', true],
    ['https://a.com', 'http://a.com', false],
    ['https://a.com', 'https://b.a.com', false],
    ['https://a.com', 'https://a.com.evil.com', false],
    ['https://a.com', 'https://a.com/', false],
    ['https://a.com', 'https://u@a.com', false],
    ['https://a.com', 'null', false],
    ['https://*.a.com', 'https://b.a.com', true],
    ['https://*.a.com', 'https://c.b.a.com:443', true],
    ['https://*.a.com', 'https://a.com', false],
    ['https://*.a.com', 'https://.a.com', false],
    ['https://*.a.com', 'https://evila.com', false],
    ['https://*.a.com', 'https://b.a.com:8443', false],
    ['https://*.a.com', 'https://evil.com:1.a.com', false],
    ['https://*.a.com', 'https://evil.com/.a.com', false],
    ['https://*.a.com', 'https://evil.com#.a.com', false],
    ['https://*.a.com:443', 'https://b.a.com', true],
    ['https://*.a.com:8443', 'https://b.a.com:8443', true],
    ['https://*', 'https://b.c', true],
    ['https://*', 'https://b.c:1', false],
    ['https://*:1', 'https://b.c:1', true],
    ['https://*', 'http://b.c', false],
    ['https://[::1]:8443', 'https://[::1]:8443', true],
    ['*', 'https://b.c', true],
    ['*', 'null', true],
    ['*', 'no origin at all', true],
    ['same', 'null', false],
  ])('of %s, and %s: %s', (allow, origin, expected) => {
    expect(allowed([allow], origin)).toBe(expected);
    expect(allowed(['https://other.test', allow], origin)).toBe(expected);
  });

  it.each<[host: string, origin: string, expected: boolean]>([
    ['a.test', 'http://a.test', true],
    ['A.test', 'https://a.TEST', true],
    ['a.test:8080', 'http://a.test:8080', true],
    ['a.test:443', 'https://a.test', true],
    ['a.test:80', 'http://a.test', true],
    ['a.test:8080', 'http://a.test', false],
    ['a.test', 'http://a.test:8080', false],
    ['a.test:443', 'http://a.test', false],
    ['a.test', 'http://b.a.test', false],
    ['a.test', 'file://a.test', false],
    ['a.test', 'constructor://a.test', false],
    ['[::1]:80', 'http://[::1]', true],
  ])('"same" of a request to %s, and %s: %s', (host, origin, expected) => {
    expect(allowed(['same'], origin, host)).toBe(expected);
  });

  it.each<[host: string, origin: string, expected: boolean]>([
    ['a.test', 'https://a.test', true],
    ['a.test:8443', 'https://a.test:8443', true],
    ['a.test', 'http://a.test', false],
    ['a.test:8443', 'http://a.test:8443', false],
    ['a.test:80', 'http://a.test', false],
  ])('"same" of a request over TLS to %s, and %s: %s', (host, origin, expected) => {
    expect(allowed(['same'], origin, host, true)).toBe(expected);
  });

  it('that is empty takes nobody', () => {
    expect(allowed([], 'https://a.com')).toBe(false);
  });
});

describe('a handshake', () => {
  const list = { allow: ['https://a.com'], absent: false };
  it.each<[string, readonly string[], typeof list, string | undefined]>([
    ['with an allowed origin', ['https://a.com'], list, undefined],
    ['with another', ['https://b.com'], list, 'origin-not-allowed'],
    ['with the same twice', ['https://a.com', 'https://a.com'], list, 'origin-not-allowed'],
    ['with two, where all are taken', ['https://a.com', 'b'], { allow: ['*'], absent: false }, undefined],
    ['with an empty one', [''], list, 'origin-not-allowed'],
    ['without', [], list, 'origin-missing'],
    ['without, where that is fine', [], { ...list, absent: true }, undefined],
    ['without, where all origins are taken', [], { allow: ['*'], absent: false }, 'origin-missing'],
  ])('%s', (_name, origins, by, code) => {
    expect(checkOrigin(by, request('a.test', ...origins), false)?.code).toBe(code);
  });
});
