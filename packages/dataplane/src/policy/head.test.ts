import { describe, expect, it } from 'vitest';
import { HEAD_LIMITS, parseRequestHead, parseResponseHead, type RequestHead, type ResponseHead } from './head.js';
import { isRefusal, type Refusal } from './refusal.js';

const HOST = 'Host: a.example\r\n';

function request(head: string): RequestHead {
  const result = parseRequestHead(head, HEAD_LIMITS);
  if (isRefusal(result)) throw new Error(`${result.code}: ${result.detail}`);
  return result;
}
function requestCode(head: string): string {
  const result = parseRequestHead(head, HEAD_LIMITS);
  return isRefusal(result) ? result.code : 'accepted';
}
function response(head: string): ResponseHead {
  const result = parseResponseHead(head, HEAD_LIMITS);
  if (isRefusal(result)) throw new Error(`${result.code}: ${result.detail}`);
  return result;
}
function responseCode(head: string): string {
  const result = parseResponseHead(head, HEAD_LIMITS);
  return isRefusal(result) ? result.code : 'accepted';
}

describe('a request head', () => {
  it('is taken apart as received', () => {
    const text =
      'GET /chat?room=1&x= HTTP/1.1\r\nHOST: Chat.Example.com:8080\r\nX-a:\t b c \t\r\nEmpty:\r\nX-a: 2\r\n\r\n';
    const head = request(text);
    expect(head).toMatchObject({ method: 'GET', target: '/chat?room=1&x=', path: '/chat', query: 'room=1&x=' });
    expect(head).toMatchObject({ minorVersion: 1, host: 'chat.example.com', authority: 'Chat.Example.com:8080' });
    expect(head.bytes).toBe(text.length);
    expect(head.fields.map(({ name, lowerName, value }) => [name, lowerName, value])).toEqual([
      ['HOST', 'host', 'Chat.Example.com:8080'],
      ['X-a', 'x-a', 'b c'],
      ['Empty', 'empty', ''],
      ['X-a', 'x-a', '2'],
    ]);
  });

  it.each([
    ['no query', '/a', '/a', undefined],
    ['an empty query', '/a?', '/a', ''],
    ['a query that holds ?', '/a?b?c', '/a', 'b?c'],
    ['two leading slashes, which are left alone', '//evil/x', '//evil/x', undefined],
    ['dot segments, which are left alone', '/a/../b%2f', '/a/../b%2f', undefined],
    ['absolute-form', 'http://A.example/p?q', '/p', 'q'],
    ['absolute-form in capitals', 'HTTP://a.example/p', '/p', undefined],
    ['absolute-form without a path', 'http://a.example', '/', undefined],
    ['absolute-form with only a query', 'http://a.example?q/r', '/', 'q/r'],
    ['absolute-form with the default port', 'http://a.example:80/', '/', undefined],
  ])('target: %s', (_, target, path, query) => {
    expect(request(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`)).toMatchObject({ target, path, query, host: 'a.example' });
  });

  it.each([
    ['one empty line before it', `\r\nGET / HTTP/1.1\r\n${HOST}\r\n`, 'accepted'],
    ['two empty lines before it', `\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`, 'malformed-request-line'],
    ['a later minor version', `GET / HTTP/1.7\r\n${HOST}\r\n`, 'accepted'],
    ['obs-text in a value', `GET / HTTP/1.1\r\n${HOST}X: \xe9\xff\r\n\r\n`, 'accepted'],
    ['every token character in a name', `GET / HTTP/1.1\r\n${HOST}!#$%&'*+-.^_\`|~09azAZ: x\r\n\r\n`, 'accepted'],
    ['an unknown method', `BREW / HTTP/1.1\r\n${HOST}\r\n`, 'accepted'],
    ['nothing', '', 'malformed-request-line'],
    ['an empty line', '\r\n\r\n', 'malformed-request-line'],
    ['bare LF', 'GET / HTTP/1.1\nHost: a\n\n', 'malformed-request-line'],
    ['HTTP/0.9', 'GET /\r\n\r\n', 'malformed-request-line'],
    ['a space before the method', ` GET / HTTP/1.1\r\n${HOST}\r\n`, 'malformed-request-line'],
    ['two spaces', `GET  / HTTP/1.1\r\n${HOST}\r\n`, 'malformed-request-line'],
    ['a tab', `GET\t/ HTTP/1.1\r\n${HOST}\r\n`, 'malformed-request-line'],
    ['a space behind the version', `GET / HTTP/1.1 \r\n${HOST}\r\n`, 'malformed-request-line'],
    ['a space in the target', `GET /a b HTTP/1.1\r\n${HOST}\r\n`, 'malformed-request-line'],
    ['NUL in the target', `GET /\0 HTTP/1.1\r\n${HOST}\r\n`, 'malformed-request-line'],
    ['a raw byte in the target', `GET /\xe9 HTTP/1.1\r\n${HOST}\r\n`, 'malformed-request-line'],
    ['a fragment', `GET /a#b HTTP/1.1\r\n${HOST}\r\n`, 'malformed-request-line'],
    ['a method that is no token', `G(T / HTTP/1.1\r\n${HOST}\r\n`, 'malformed-request-line'],
    ['a version in lower case', `GET / http/1.1\r\n${HOST}\r\n`, 'malformed-request-line'],
    ['a version of two digits', `GET / HTTP/1.10\r\n${HOST}\r\n`, 'malformed-request-line'],
    ['a version without digits', `GET / HTTP/x.1\r\n${HOST}\r\n`, 'malformed-request-line'],
    ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\n', 'version-not-supported'],
    ['HTTP/0.9 by number', `GET / HTTP/0.9\r\n${HOST}\r\n`, 'version-not-supported'],
    ['asterisk-form', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 'bad-target'],
    ['CONNECT', `CONNECT a.example:80 HTTP/1.1\r\n${HOST}\r\n`, 'method-not-allowed'],
    ['authority-form', `GET a.example:80 HTTP/1.1\r\n${HOST}\r\n`, 'bad-target'],
    ['another scheme', `GET ftp://a.example/ HTTP/1.1\r\n${HOST}\r\n`, 'bad-target'],
    ['userinfo in the target', `GET http://u@a.example/ HTTP/1.1\r\n${HOST}\r\n`, 'bad-target'],
    ['an empty authority in the target', `GET http:///x HTTP/1.1\r\n${HOST}\r\n`, 'bad-target'],
    ['a target for another host', `GET http://b.example/ HTTP/1.1\r\n${HOST}\r\n`, 'bad-host'],
    ['a target for another port', `GET http://a.example:81/ HTTP/1.1\r\n${HOST}\r\n`, 'bad-host'],
    ['obs-fold', `GET / HTTP/1.1\r\n${HOST}X: a\r\n b\r\n\r\n`, 'malformed-header'],
    ['a folded first field', `GET / HTTP/1.1\r\n ${HOST}\r\n`, 'malformed-header'],
    ['bare LF between fields', 'GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n', 'malformed-header'],
    ['bare CR in a value', `GET / HTTP/1.1\r\n${HOST}X: a\rb\r\n\r\n`, 'malformed-header'],
    ['NUL in a value', `GET / HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`, 'malformed-header'],
    ['DEL in a value', `GET / HTTP/1.1\r\n${HOST}X: a\x7fb\r\n\r\n`, 'malformed-header'],
    ['a character beyond latin1', `GET / HTTP/1.1\r\n${HOST}X: \u0141\r\n\r\n`, 'malformed-header'],
    ['a space before the colon', `GET / HTTP/1.1\r\nHost : a\r\n\r\n`, 'malformed-header'],
    ['a name with a space', `GET / HTTP/1.1\r\n${HOST}X Y: a\r\n\r\n`, 'malformed-header'],
    ['an empty name', `GET / HTTP/1.1\r\n${HOST}: a\r\n\r\n`, 'malformed-header'],
    ['a line without a colon', `GET / HTTP/1.1\r\n${HOST}X\r\nY: z\r\n\r\n`, 'malformed-header'],
    ['bytes behind the head', `GET / HTTP/1.1\r\n${HOST}\r\nX`, 'malformed-header'],
    ['a second head behind it', `GET / HTTP/1.1\r\n${HOST}\r\nGET / HTTP/1.1\r\n\r\n`, 'malformed-header'],
  ])('%s', (_, head, code) => {
    expect(requestCode(head)).toBe(code);
  });

  it.each([
    ['TLS', '\x16\x03\x01\x02\0\x01', 'TLS handshake'],
    [
      'a PROXY header',
      `PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
      'sluice.dev/proxy-protocol',
    ],
    ['a PROXY header of version 2', '\r\n\r\n', 'version 2'],
    ['nonsense', 'x\r\n\r\n', ''],
  ])('the log is told when it is %s', (_, head, reason) => {
    const refusal = parseRequestHead(head, HEAD_LIMITS);
    expect(refusal).toMatchObject({ code: 'malformed-request-line', reason: expect.stringContaining(reason) });
    if (reason === '') expect(refusal).toMatchObject({ reason });
  });

  it('is refused when it is cut at any byte', () => {
    const whole = `GET /chat HTTP/1.1\r\n${HOST}Upgrade: websocket\r\n\r\n`;
    for (let cut = 0; cut < whole.length; cut++) expect(requestCode(whole.slice(0, cut))).not.toBe('accepted');
  });

  it.each([
    ['a.example', 'a.example'],
    ['A.EXAMPLE.:80', 'a.example'],
    ['a_b-c', 'a_b-c'],
    ['10.0.0.1:65535', '10.0.0.1'],
    ['[::1]:80', '[::1]'],
    ['[2001:DB8::1]', '[2001:db8::1]'],
    ['a.example:', 'a.example'],
  ])('Host %s names %s', (value, host) => {
    expect(request(`GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`)).toMatchObject({ host, authority: value });
  });

  it.each([
    '',
    '.',
    '.a',
    'a..b',
    'a b',
    'a,b',
    'a/b',
    'u@a',
    'a%2eb',
    'a:x',
    'a:80:80',
    'a:65536',
    'a:123456',
    '[::1',
    '::1',
    '[]',
    '[a]',
    '[::1]x',
    '[fe80::1%eth0]',
    '[v1.a]',
    `${'a'.repeat(256)}`,
  ])('Host %j is refused', (value) => {
    expect(requestCode(`GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`)).toBe('bad-host');
  });

  it('needs exactly one Host in HTTP/1.1 and at most one in HTTP/1.0', () => {
    expect(requestCode('GET / HTTP/1.1\r\n\r\n')).toBe('bad-host');
    expect(requestCode(`GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`)).toBe('bad-host');
    expect(requestCode(`GET / HTTP/1.0\r\n${HOST}hOST: b\r\n\r\n`)).toBe('bad-host');
    expect(request('GET / HTTP/1.0\r\n\r\n')).toMatchObject({ minorVersion: 0, host: '', authority: '' });
  });

  it('has limits', () => {
    const limits = { headBytesMax: 120, targetBytesMax: 10, fieldsMax: 3 };
    const code = (head: string): string => {
      const result = parseRequestHead(head, limits);
      return isRefusal(result) ? result.code : 'accepted';
    };
    expect(code(`GET /234567890 HTTP/1.1\r\n${HOST}\r\n`)).toBe('accepted');
    expect(code(`GET /2345678901 HTTP/1.1\r\n${HOST}\r\n`)).toBe('target-too-long');
    expect(code(`GET / HTTP/1.1\r\n${HOST}A: 1\r\nB: 2\r\n\r\n`)).toBe('accepted');
    expect(code(`GET / HTTP/1.1\r\n${HOST}A: 1\r\nB: 2\r\nC: 3\r\n\r\n`)).toBe('too-many-headers');
    expect(code(`GET / HTTP/1.1\r\n${HOST}A: ${'x'.repeat(100)}\r\n\r\n`)).toBe('header-too-large');
  });
});

describe('a response head', () => {
  it('is taken apart as received', () => {
    const text = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nX: 1\r\n\r\n';
    const head = response(text);
    expect(head).toMatchObject({ status: 101, reason: 'Switching Protocols', minorVersion: 1, bytes: text.length });
    expect(head.fields.map(({ lowerName, value }) => [lowerName, value])).toEqual([
      ['upgrade', 'WebSocket'],
      ['x', '1'],
    ]);
  });

  it.each([
    ['no fields', 'HTTP/1.1 200 OK\r\n\r\n', 'accepted'],
    ['an empty reason', 'HTTP/1.1 200 \r\n\r\n', 'accepted'],
    ['no reason and no space', 'HTTP/1.0 200\r\n\r\n', 'accepted'],
    ['a reason with obs-text', 'HTTP/1.1 404 Introuv\xe9\r\n\r\n', 'accepted'],
    ['status 99', 'HTTP/1.1 099 X\r\n\r\n', 'upstream-malformed'],
    ['status 600', 'HTTP/1.1 600 X\r\n\r\n', 'upstream-malformed'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'upstream-malformed'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', 'upstream-malformed'],
    ['a status with a sign', 'HTTP/1.1 +20 OK\r\n\r\n', 'upstream-malformed'],
    ['HTTP/2.0', 'HTTP/2.0 200 OK\r\n\r\n', 'upstream-malformed'],
    ['ICY', 'ICY 200 OK\r\n\r\n', 'upstream-malformed'],
    ['an empty line first', '\r\nHTTP/1.1 200 OK\r\n\r\n', 'upstream-malformed'],
    ['bare LF', 'HTTP/1.1 200 OK\n\n', 'upstream-malformed'],
    ['NUL in the reason', 'HTTP/1.1 200 O\0K\r\n\r\n', 'upstream-malformed'],
    ['obs-fold', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n', 'upstream-malformed'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nA : b\r\n\r\n', 'upstream-malformed'],
    ['garbage', '\x16\x03\x01\x02\0\r\n\r\n', 'upstream-malformed'],
    ['too many fields', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(101)}\r\n`, 'upstream-head-too-large'],
    ['too many bytes', `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(16_384)}\r\n\r\n`, 'upstream-head-too-large'],
  ])('%s', (_, head, code) => {
    expect(responseCode(head)).toBe(code);
  });

  it('is a fault of the backend, with status 502, when it is refused', () => {
    expect((parseResponseHead('', HEAD_LIMITS) as Refusal).status).toBe(502);
  });
});
