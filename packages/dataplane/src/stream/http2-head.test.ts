import { expect, test } from 'vitest';
import { HEAD_LIMITS, parseRequestHead } from '../policy/head.js';
import { isRefusal } from '../policy/refusal.js';
import { readHttp2Head } from './http2-head.js';

const GET = [':method', 'GET', ':scheme', 'http', ':path', '/a?b=c', ':authority', 'a.test:80'];

const textOf = (raw: readonly string[], whole = true) => readHttp2Head(raw, whole)?.text;

/** What the policy says of it: the code of a refusal, or ''. */
function judged(raw: readonly string[]): string {
  const head = parseRequestHead(textOf(raw) ?? '', HEAD_LIMITS);
  return isRefusal(head) ? head.code : '';
}

test('pseudo-fields are the request line and Host, the rest is as it came', () => {
  expect(textOf([...GET, 'x-a', '1', 'accept', 'a', 'x-a', '2'])).toBe(
    'GET /a?b=c HTTP/1.1\r\nHost: a.test:80\r\nx-a: 1\r\nx-a: 2\r\naccept: a\r\n\r\n',
  );
  expect(judged(GET)).toBe('');
});

test('the crumbs of a cookie are one field', () => {
  expect(textOf([...GET, 'cookie', 'a=1', 'x', 'y', 'cookie', 'b=2; c=3', 'cookie', 'd=4'])).toContain(
    'cookie: a=1; b=2; c=3; d=4\r\nx: y\r\n',
  );
});

test('a host beside :authority must say the same', () => {
  expect(textOf([...GET, 'host', 'A.test'])).toBe('GET /a?b=c HTTP/1.1\r\nHost: a.test:80\r\n\r\n');
  expect(judged([...GET, 'host', 'b.test'])).toBe('bad-host');
  expect(judged([...GET, 'host', 'a.test', 'host', 'b.test'])).toBe('bad-host');
});

test('without :authority the host counts, and one there must be', () => {
  const bare = GET.slice(0, 6);
  expect(textOf([...bare, 'host', 'h.test'])).toContain('Host: h.test\r\n');
  expect(judged([...bare, 'host', 'h.test', 'host', 'h.test'])).toBe('bad-host');
  expect(judged(bare)).toBe('bad-host');
});

test('a body without a length is framed, one with a length or none at all is not', () => {
  const chunked = 'Transfer-Encoding: chunked\r\n';
  expect(textOf(GET, false)).toContain(chunked);
  expect(textOf([...GET, 'content-length', '3'], false)).not.toContain(chunked);
  expect(textOf(GET)).not.toContain(chunked);
});

test('what is waited for', () => {
  expect(readHttp2Head([...GET, 'expect', '100-Continue'], false)?.expects).toBe(true);
  expect(readHttp2Head(GET, false)?.expects).toBe(false);
});

test('targets that are no path, and schemes that are none of the web', () => {
  const of = (...changes: string[]) => [':method', 'OPTIONS', ...changes, ':authority', 'a'];
  expect(judged(of(':scheme', 'http', ':path', '*'))).toBe('bad-target');
  expect(judged(of(':scheme', 'ftp', ':path', '/a'))).toBe('bad-target');
  expect(judged([':method', 'CONNECT', ':authority', 'a.test:443'])).toBe('method-not-allowed');
});

test('an extended CONNECT is the GET that it stands for', () => {
  const connect = [':method', 'CONNECT', ':protocol', 'websocket', ...GET.slice(2)];
  expect(readHttp2Head([...connect, 'sec-websocket-version', '13'], false)).toEqual({
    method: 'CONNECT',
    protocol: 'websocket',
    text: 'GET /a?b=c HTTP/1.1\r\nHost: a.test:80\r\nsec-websocket-version: 13\r\n\r\n',
    expects: false,
  });
});

test('a key of its client has no meaning over HTTP/2', () => {
  const connect = [':method', 'CONNECT', ':protocol', 'websocket', ...GET.slice(2), 'sec-websocket-key', 'x'];
  expect(textOf(connect, false)).not.toContain('sec-websocket-key');
});

test.each(['a\r\nx: y', 'a\nb', 'a\0b'])('no value brings a line of its own: %j', (value) => {
  expect(readHttp2Head([...GET, 'x', value], true)).toBeUndefined();
  expect(readHttp2Head([...GET.slice(0, 5), value, ...GET.slice(6)], true)).toBeUndefined();
});
