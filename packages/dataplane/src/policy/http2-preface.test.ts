import { aListener, aSnapshot, viewOf } from '@sluice/shared/testing/snapshots';
import { expect, test } from 'vitest';
import type { ClientTls } from '../engine/tls-info.js';
import { beginsHttp2, HTTP2_PREFACE, http2Of } from './http2-preface.js';
import { isRefusal } from './refusal.js';
import { createRouter } from './router.js';

const SPEAKS = { http2: true, websocketOverHttp2: true } as const;
const HOSTS = [{ hostname: '', matches: [] }];

function configuration(...listeners: readonly Parameters<typeof aListener>[0][]) {
  const snapshot = viewOf(aSnapshot({ listeners: listeners.map((each) => aListener({ hosts: HOSTS, ...each })) }));
  return { ports: [{ listeners: listeners.map((_, index) => index) }], router: createRouter(snapshot), snapshot };
}

function tls(alpn: string, serverName = ''): ClientTls {
  const unverified = { verified: false, certificateError: '', subject: '' };
  return { protocol: 'TLSv1.3', cipher: '', serverName, alpn, ...unverified };
}

test('a plain port takes HTTP/2 when all of its listeners do', () => {
  expect(beginsHttp2(HTTP2_PREFACE, null, configuration(SPEAKS), 0)).toBe(true);
  const needed = { code: 'version-not-supported', reason: expect.stringContaining('sluice.dev/h2c') };
  expect(beginsHttp2(HTTP2_PREFACE, null, configuration(SPEAKS, { name: 'b', hostname: 'b' }), 0)).toMatchObject(
    needed,
  );
  expect(beginsHttp2(HTTP2_PREFACE, null, configuration({}), 0)).toMatchObject(needed);
  expect(beginsHttp2(HTTP2_PREFACE, null, configuration(SPEAKS), 7)).toMatchObject(needed);
});

test('nothing else begins with it', () => {
  expect(beginsHttp2('GET / HTTP/1.1\r\n\r\n', null, configuration(SPEAKS), 0)).toBe(false);
  expect(beginsHttp2('PRI * HTTP/2.0\r\nHost: a\r\n\r\n', null, configuration(SPEAKS), 0)).toBe(false);
});

test('with TLS it is what ALPN chose, and nothing else', () => {
  const config = configuration({ ...SPEAKS, protocol: 'HTTPS' });
  expect(beginsHttp2(HTTP2_PREFACE, tls('h2'), config, 0)).toBe(true);
  const unagreed = { code: 'version-not-supported', reason: expect.stringContaining('ALPN') };
  expect(beginsHttp2(HTTP2_PREFACE, tls(''), config, 0)).toMatchObject(unagreed);
  expect(beginsHttp2(HTTP2_PREFACE, tls('http/1.1'), config, 0)).toMatchObject(unagreed);
  expect(isRefusal(beginsHttp2('GET / HTTP/1.1\r\n\r\n', tls('h2'), config, 0))).toBe(true);
});

test('a port that has become one of HTTPS speaks nothing over plain TCP', () => {
  expect(http2Of(configuration({ ...SPEAKS, protocol: 'HTTPS' }), 0, null).http2).toBe(false);
});

test('with TLS the listener of the server name says what may be', () => {
  const config = configuration(
    { ...SPEAKS, protocol: 'HTTPS', hostname: 'a.test', hosts: [{ hostname: 'a.test', matches: [] }] },
    { name: 'b', protocol: 'HTTPS', hostname: 'b.test', http2: true, hosts: [{ hostname: 'b.test', matches: [] }] },
  );
  expect(http2Of(config, 0, tls('h2', 'a.test'))).toMatchObject(SPEAKS);
  expect(http2Of(config, 0, tls('h2', 'b.test'))).toMatchObject({ http2: true, websocketOverHttp2: false });
  expect(http2Of(config, 0, tls('h2', 'c.test')).http2).toBe(false);
});
