/** What the probes make of an answer, without a connection. */
import { describe, expect, test } from 'vitest';
import { statusWords } from './grpc.js';
import { hintFor } from './http.js';
import { serverNameOf } from './tls.js';
import { acceptOf, handshakeFault, refusalWords } from './websocket.js';

test('the accept value is that of RFC 6455, 1.3', () => {
  expect(acceptOf('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

describe('a 101', () => {
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  const good = { upgrade: 'WebSocket', connection: 'Upgrade', 'sec-websocket-accept': acceptOf(key) };
  test.each([
    [good, '', ''],
    [{ ...good, 'sec-websocket-protocol': 'chat' }, 'chat', ''],
    [{ ...good, upgrade: 'h2c' }, '', "the answer's Upgrade is not websocket"],
    [{ upgrade: 'websocket' }, '', "the answer's Sec-WebSocket-Accept is wrong"],
    [{ ...good, 'sec-websocket-accept': acceptOf('x') }, '', "the answer's Sec-WebSocket-Accept is wrong"],
    [{ ...good, 'sec-websocket-protocol': 'chat' }, '', 'the answer names a subprotocol that was not asked for'],
    [good, 'chat', 'the answer does not name subprotocol chat'],
    [{ ...good, 'sec-websocket-protocol': 'other' }, 'chat', 'the answer names another subprotocol, not chat'],
    [
      { ...good, 'sec-websocket-extensions': 'permessage-deflate' },
      '',
      'the answer names an extension that was not asked for',
    ],
  ])('%# is judged', (headers, subprotocol, words) => {
    expect(handshakeFault(headers, key, subprotocol)).toBe(words);
  });
});

test('a status other than 101', () => {
  expect(refusalWords(404)).toBe('answered 404');
  expect(refusalWords(301)).toBe('answered 301; a probe follows no redirect');
  expect(refusalWords(101)).toBe('answered 101 without Upgrade: websocket and Connection: Upgrade');
});

test('the hint at WebSocket: with 426 always, with others for the default probe, never where it would lead astray', () => {
  const hinted = (policy: string) =>
    [400, 401, 403, 404, 405, 426, 429, 500, 501, 502, 503].filter((status) => hintFor(status, { policy }) !== '');
  expect(hinted('')).toEqual([400, 404, 405, 426, 501]);
  expect(hinted('shop/chat')).toEqual([426]);
});

test('a grpc-status in words', () => {
  expect(statusWords('12', '')).toBe('answered UNIMPLEMENTED; the server has no grpc.health.v1.Health');
  expect(statusWords('5', 'chat')).toBe('answered NOT_FOUND; the server does not know the service "chat"');
  expect(statusWords('14', '')).toBe('answered UNAVAILABLE');
  expect(statusWords('99', '')).toBe('answered an unknown grpc-status');
  expect(statusWords('constructor', '')).toBe('answered an unknown grpc-status');
});

test.each([
  ['localhost', 'localhost'],
  ['chat.example:8443', 'chat.example'],
  ['chat.example.', 'chat.example'],
  ['10.0.0.1', ''],
  ['10.0.0.1:443', ''],
  ['[::1]:443', ''],
  ['::1', ''],
  ['', ''],
])('the server name of %s is "%s"', (host, name) => {
  expect(serverNameOf(host)).toBe(name);
});
