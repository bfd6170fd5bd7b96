import { expect, test } from 'vitest';
import { refusalBytes, refuse } from '../policy/refusal.js';
import { answerParts, fieldPairs, requestText, responseText, trailerPairs, upgradeText } from './heads.js';

test('a head that Node has read is written out as it was', () => {
  const rawHeaders = ['Host', 'a', 'X-Twice', '1', 'x-twice', '\xe9'];
  const asked = { method: 'GET', url: '/x?y', httpVersionMajor: 1, httpVersionMinor: 1, rawHeaders };
  expect(requestText(asked)).toBe('GET /x?y HTTP/1.1\r\nHost: a\r\nX-Twice: 1\r\nx-twice: \xe9\r\n\r\n');
});

test.each([
  ['h2c', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n'],
  [
    'websocket',
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: websocket\r\nHTTP2-Settings: AAMA\r\n\r\n',
  ],
])('an upgrade to %s: an offer of HTTP/2 alone is left out', (upgrade, text) => {
  const offer = ['Upgrade', upgrade, 'HTTP2-Settings', 'AAMA'];
  const rawHeaders = ['Host', 'a', 'Connection', 'Upgrade, HTTP2-Settings', ...offer];
  expect(upgradeText({ method: 'GET', url: '/', httpVersionMajor: 1, httpVersionMinor: 1, rawHeaders })).toBe(text);
});

test('a head that undici has read is, bytes or text', () => {
  const raw = [Buffer.from('Date'), Buffer.from('now'), 'X', '\xe9'];
  expect(responseText(200, 'Fine', raw)).toBe('HTTP/1.1 200 Fine\r\nDate: now\r\nX: \xe9\r\n\r\n');
});

test('field lines become pairs, empty values and colons in them included', () => {
  expect(fieldPairs('')).toEqual([]);
  expect(fieldPairs('A: \r\nLocation: http://a/\r\nB: x: y\r\n')).toEqual([
    'A',
    '',
    'Location',
    'http://a/',
    'B',
    'x: y',
  ]);
});

test('trailers that say something of the whole do not pass', () => {
  const names = [
    'X-Sum',
    'Content-Length',
    'transfer-encoding',
    'Set-Cookie',
    'Connection',
    'X-Request-Id',
    'Host',
    'Server-Timing',
  ];
  expect(trailerPairs(names.flatMap((name) => [name, '1'])).map(([name]) => name)).toEqual(['X-Sum', 'Server-Timing']);
});

test('an answer of the gateway comes apart into what Node writes', () => {
  const { reason, fields, body } = answerParts(refusalBytes(refuse('no-route'), 'id', 'now'));
  expect(reason).toBe('Not Found');
  expect(fields.slice(0, 4)).toEqual(['Date', 'now', 'Connection', 'close']);
  expect(body).toBe('sluice: 404 no route matches this host and path (no-route)\n');
});
