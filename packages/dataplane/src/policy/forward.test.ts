import { describe, expect, it } from 'vitest';
import { RelayMode } from '../engine/binding.js';
import { interimHead, type Relay, relayHead, requestHead, switchHead } from './forward.js';
import { HEAD_LIMITS, parseRequestHead, parseResponseHead, type ResponseHead } from './head.js';
import { isRefusal, type Refusal } from './refusal.js';

const CONTEXT = { clientAddress: '203.0.113.7', scheme: 'http', requestId: 'ID' } as const;
const OURS = ['Connection: Upgrade', 'Upgrade: websocket'];
const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';

function forwarded(fields: readonly string[], target = '/'): string[] {
  const text = [`GET ${target} HTTP/1.1`, 'Host: a.example', ...fields].join('\r\n');
  const head = parseRequestHead(`${text}\r\n\r\n`, HEAD_LIMITS);
  if (isRefusal(head)) throw new Error(head.code);
  const result = requestHead(head, CONTEXT);
  expect(isRefusal(parseRequestHead(result, HEAD_LIMITS))).toBe(false);
  return result.split('\r\n').slice(0, -2);
}
function answer(line: string, fields: readonly string[]): ResponseHead {
  const head = parseResponseHead(`${[line, ...fields].join('\r\n')}\r\n\r\n`, HEAD_LIMITS);
  if (isRefusal(head)) throw new Error(head.code);
  return head;
}

describe('the request for the backend', () => {
  const tail = (forwardedFor = '203.0.113.7') => [
    ...OURS,
    `x-forwarded-for: ${forwardedFor}`,
    'x-forwarded-proto: http',
    'x-request-id: ID',
  ];

  it('keeps end-to-end fields with their order, case and values, and rebuilds the rest', () => {
    const kept = [
      'sec-websocket-KEY: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
      'Cookie: a=1; b=2',
      'X: 1',
      'Sec-WebSocket-Protocol: v1, v2',
      'X: 2',
      'X-Latin: \xe9',
      'Empty: ',
    ];
    expect(forwarded(['connection: keep-alive, Upgrade', ...kept, 'UPGRADE: h2c, WebSocket'], '/p?q')).toEqual([
      'GET /p?q HTTP/1.1',
      'Host: a.example',
      ...kept,
      ...tail(),
    ]);
  });

  it('drops what belongs to the connection, nominated or not', () => {
    const dropped = [
      'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: Basic x',
      'Proxy-Authenticate: Basic',
      'TE: trailers',
      'Trailer: X',
      'Upgrade: websocket',
      'HTTP2-Settings: x',
      'Transfer-Encoding: chunked',
      'Content-Length: 0',
      'Connection: X-Hop , te',
      'connection: x-other',
      'x-HOP: 1',
      'X-Other: 2',
    ];
    expect(forwarded(dropped)).toEqual(['GET / HTTP/1.1', 'Host: a.example', ...tail()]);
  });

  it('lets nobody nominate away Host or the handshake', () => {
    const fields = ['Connection: host, sec-websocket-key, Sec-WebSocket-Version, close, cookie', 'Cookie: a'];
    const kept = ['Sec-WebSocket-Key: k', 'Sec-WebSocket-Version: 13'];
    expect(forwarded([...fields, ...kept])).toEqual(['GET / HTTP/1.1', 'Host: a.example', ...kept, ...tail()]);
  });

  it.each<[string, string[], string]>([
    ['appends to what came', ['X-Forwarded-For: 1.1.1.1, 2.2.2.2'], '1.1.1.1, 2.2.2.2, 203.0.113.7'],
    ['joins several lines', ['x-forwarded-for: 1.1.1.1', 'X-FORWARDED-FOR: 2.2.2.2'], '1.1.1.1, 2.2.2.2, 203.0.113.7'],
    ['passes over an empty one', ['x-forwarded-for:'], '203.0.113.7'],
    [
      'drops what the client nominates, not its own',
      ['Connection: x-forwarded-for', 'x-forwarded-for: 1'],
      '203.0.113.7',
    ],
  ])('x-forwarded-for: %s', (_, fields, expected) => {
    expect(forwarded(fields)).toEqual(['GET / HTTP/1.1', 'Host: a.example', ...tail(expected)]);
  });

  it('does not let an underscore stand for a dash in what the gateway or a filter says', () => {
    const spoofed = ['X_Forwarded_For: 1.1.1.1', 'x_forwarded-proto: https', 'X-REQUEST_ID: 1'];
    expect(forwarded([...spoofed, 'X_Own: 1'])).toEqual(['GET / HTTP/1.1', 'Host: a.example', 'X_Own: 1', ...tail()]);
    const fields = { dropped: new Set(['x-user']), lines: 'X-User: gateway\r\n' };
    const head = parseRequestHead('GET / HTTP/1.1\r\nHost: a.example\r\nX_User: client\r\n\r\n', HEAD_LIMITS);
    if (isRefusal(head)) throw new Error(head.code);
    const result = requestHead(head, CONTEXT, { path: '/', host: '', fields });
    expect(result.match(/x.user.*/gi)).toEqual(['X-User: gateway']);
  });

  it('replaces x-forwarded-proto and x-request-id, also when the client nominates them', () => {
    const claims = ['X-Forwarded-Proto: https', 'X-Request-Id: theirs', 'Connection: x-forwarded-proto, x-request-id'];
    expect(forwarded(claims)).toEqual(['GET / HTTP/1.1', 'Host: a.example', ...tail()]);
  });

  it.each([
    ['http://a.example/p?q', '/p?q'],
    ['http://a.example', '/'],
    ['http://a.example?q', '/?q'],
    ['//x/y', '//x/y'],
    ['/?', '/?'],
  ])('target %s becomes %s', (target, expected) => {
    expect(forwarded([], target)[0]).toBe(`GET ${expected} HTTP/1.1`);
  });
});

describe('the 101 for the client', () => {
  it('keeps what the backend agreed to and rebuilds the switch', () => {
    const kept = ['Sec-WebSocket-Accept: a', 'Sec-WebSocket-Protocol: v1', 'Set-Cookie: a', 'Set-Cookie: b'];
    const hop = ['connection: upgrade, x-hop', 'upgrade: WebSocket', 'X-Hop: 1', 'Keep-Alive: 5', 'X-Request-Id: x'];
    const framing = ['Content-Length: 0', 'Transfer-Encoding: chunked'];
    const head = switchHead(answer('HTTP/1.1 101 OK', [...hop, ...kept, ...framing]), 'ID');
    expect(head.split('\r\n')).toEqual(['HTTP/1.1 101 OK', ...kept, ...OURS, 'x-request-id: ID', '', '']);
  });
});

describe('an interim answer', () => {
  it('passes without hop-by-hop fields', () => {
    const head = interimHead(answer('HTTP/1.1 103 Early Hints', ['Link: </a>', 'Connection: close']));
    expect(head).toBe('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
  });
});

describe('another answer', () => {
  const relayed = (line: string, fields: readonly string[]): Relay => {
    const relay = relayHead(answer(line, fields), 'ID', DATE);
    if (isRefusal(relay)) throw new Error(`${relay.code}: ${relay.detail}`);
    return relay;
  };

  it('passes whole, says that the connection ends, and carries a date', () => {
    const fields = ['WWW-Authenticate: Basic', 'Content-Type: text/plain', 'Content-Length: 5', 'Trailer: X'];
    const relay = relayed('HTTP/1.0 401 No', [...fields, 'Connection: keep-alive, X-Hop', 'X-Hop: 1', 'Keep-Alive: 5']);
    expect(relay).toMatchObject({ mode: RelayMode.length, length: 5 });
    expect(relay.head.split('\r\n')).toEqual([
      'HTTP/1.1 401 No',
      'WWW-Authenticate: Basic',
      'Content-Type: text/plain',
      'Trailer: X',
      'Content-Length: 5',
      `Date: ${DATE}`,
      'Connection: close',
      'x-request-id: ID',
      '',
      '',
    ]);
  });

  it('keeps the date of the backend', () => {
    const relay = relayed('HTTP/1.1 200 OK', ['date: then']);
    expect(relay.head).toContain('date: then\r\n');
    expect(relay.head).not.toContain(DATE);
  });

  it('keeps saying what to upgrade to in a 426', () => {
    const { head } = relayed('HTTP/1.1 426 X', ['Upgrade: h2c, WebSocket', 'Sec-WebSocket-Version: 13, 8']);
    expect(head).toContain('Sec-WebSocket-Version: 13, 8\r\n');
    expect(head).toContain('Connection: close, Upgrade\r\nUpgrade: websocket\r\n');
  });

  it.each<[string, string, string[], RelayMode, number, string]>([
    ['a length', '200 OK', ['Content-Length: 10'], RelayMode.length, 10, 'Content-Length: 10'],
    ['a length of 0', '200 OK', ['Content-Length: 0'], RelayMode.length, 0, 'Content-Length: 0'],
    ['a length with zeros', '200 OK', ['Content-Length: 007'], RelayMode.length, 7, 'Content-Length: 7'],
    [
      'equal lengths',
      '200 OK',
      ['Content-Length: 5', 'Content-Length: 5, 5'],
      RelayMode.length,
      5,
      'Content-Length: 5',
    ],
    ['chunked', '500 X', ['transfer-encoding: Chunked'], RelayMode.chunked, 0, 'Transfer-Encoding: chunked'],
    [
      'chunked, nominated away',
      '200 OK',
      ['Connection: transfer-encoding', 'Transfer-Encoding: chunked'],
      RelayMode.chunked,
      0,
      'Transfer-Encoding: chunked',
    ],
    ['nothing', '200 OK', [], RelayMode.untilEof, 0, ''],
    ['204', '204 No Content', [], RelayMode.length, 0, ''],
    ['204 with a length', '204 No Content', ['Content-Length: 5'], RelayMode.length, 0, ''],
    ['304', '304 Not Modified', [], RelayMode.length, 0, ''],
    ['304 with a length', '304 Not Modified', ['Content-Length: 5'], RelayMode.length, 0, 'Content-Length: 5'],
  ])('framed by %s', (_, status, fields, mode, length, framing) => {
    const relay = relayed(`HTTP/1.1 ${status}`, fields);
    expect(relay).toMatchObject({ mode, length });
    const lines = relay.head.split('\r\n').filter((line) => /^(content-length|transfer-encoding)/i.test(line));
    expect(lines.join()).toBe(framing);
  });

  it.each<[string, string[]]>([
    ['two lengths that differ', ['Content-Length: 5', 'Content-Length: 6']],
    ['a list of lengths that differ', ['Content-Length: 5, 6']],
    ['a list with an empty element', ['Content-Length: 5,']],
    ['a sign', ['Content-Length: +5']],
    ['hex', ['Content-Length: 0x5']],
    ['no digits', ['Content-Length:']],
    ['a space inside', ['Content-Length: 5 5']],
    ['more than can be counted', ['Content-Length: 9007199254740993']],
    ['length and coding', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['another coding', ['Transfer-Encoding: gzip']],
    ['another coding before chunked', ['Transfer-Encoding: gzip, chunked']],
    ['chunked not last', ['Transfer-Encoding: chunked, identity']],
    ['chunked twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
    ['an empty coding', ['Transfer-Encoding:']],
  ])('with a framing of %s is a fault', (_, fields) => {
    expect(relayHead(answer('HTTP/1.1 200 OK', fields), 'ID', '')).toMatchObject({ code: 'upstream-malformed' });
  });

  it('in HTTP/1.0 is not chunked', () => {
    const relay = relayHead(answer('HTTP/1.0 200 OK', ['Transfer-Encoding: chunked']), 'ID', '');
    expect((relay as Refusal).status).toBe(502);
  });
});
