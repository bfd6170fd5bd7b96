import { describe, expect, it } from 'vitest';
import { HEAD_LIMITS, parseRequestHead, parseResponseHead, type RequestHead, type ResponseHead } from './head.js';
import { isRefusal, type Refusal } from './refusal.js';
import { acceptOf, checkHandshake, checkSwitch, type Handshake } from './websocket.js';

// The example of RFC 6455 1.3.
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const FIELDS = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${KEY}`];

function request(fields: readonly string[], line = 'GET /chat HTTP/1.1'): RequestHead {
  const head = parseRequestHead(`${[line, 'Host: a', ...fields].join('\r\n')}\r\n\r\n`, HEAD_LIMITS);
  if (isRefusal(head)) throw new Error(head.code);
  return head;
}
function response(fields: readonly string[], line = 'HTTP/1.1 101 Switching Protocols'): ResponseHead {
  const head = parseResponseHead(`${[line, ...fields].join('\r\n')}\r\n\r\n`, HEAD_LIMITS);
  if (isRefusal(head)) throw new Error(head.code);
  return head;
}
function outcome(result: object | undefined): string {
  return isRefusal(result) ? `${(result as Refusal).status} ${(result as Refusal).code}` : 'accepted';
}
/** The good fields, with those of a name replaced by others. */
function replaced(name: string, ...others: string[]): string[] {
  return [...FIELDS.filter((field) => !field.startsWith(`${name}:`)), ...others];
}

describe('a handshake', () => {
  it('is what RFC 6455 shows', () => {
    const offer = ['Sec-WebSocket-Protocol: chat, superchat', 'Sec-WebSocket-Extensions: permessage-deflate'];
    expect(checkHandshake(request([...FIELDS, ...offer]))).toEqual({
      key: KEY,
      subprotocols: ['chat, superchat'],
      extensions: true,
    });
    expect(checkHandshake(request(FIELDS))).toEqual({ key: KEY, subprotocols: [], extensions: false });
    expect(acceptOf(KEY)).toBe(ACCEPT);
  });

  it.each([
    ['Upgrade in capitals', replaced('Upgrade', 'upgrade: WebSocket'), 'accepted'],
    ['Upgrade in a list', replaced('Upgrade', 'Upgrade: h2c,\twebsocket'), 'accepted'],
    ['Upgrade on a second line', replaced('Upgrade', 'Upgrade: h2c', 'Upgrade: websocket'), 'accepted'],
    ['Connection in a list', replaced('Connection', 'Connection: keep-alive, , UPGRADE'), 'accepted'],
    ['Connection on a second line', replaced('Connection', 'Connection: x', 'Connection: upgrade'), 'accepted'],
    ['a length of 0', [...FIELDS, 'Content-Length: 0'], 'accepted'],
    ['no Upgrade', replaced('Upgrade'), '426 upgrade-required'],
    ['no handshake at all', [], '426 upgrade-required'],
    ['h2c', replaced('Upgrade', 'Upgrade: h2c'), '426 unsupported-upgrade'],
    ['an almost-websocket', replaced('Upgrade', 'Upgrade: websocket/13'), '426 unsupported-upgrade'],
    ['a no-break space around it', replaced('Upgrade', 'Upgrade: \xa0websocket'), '426 unsupported-upgrade'],
    ['no Connection', replaced('Connection'), '400 websocket-connection'],
    ['Connection without upgrade', replaced('Connection', 'Connection: close'), '400 websocket-connection'],
    ['a length', [...FIELDS, 'Content-Length: 1'], '400 body-declared'],
    ['a length that is no number', [...FIELDS, 'Content-Length: 0x0'], '400 body-declared'],
    ['two lengths that differ', [...FIELDS, 'Content-Length: 0', 'Content-Length: 5'], '400 body-declared'],
    ['a list of lengths', [...FIELDS, 'Content-Length: 0, 5'], '400 body-declared'],
    ['chunked', [...FIELDS, 'Transfer-Encoding: chunked'], '400 body-declared'],
    ['an unknown coding', [...FIELDS, 'Transfer-Encoding: x'], '400 body-declared'],
    ['no version', replaced('Sec-WebSocket-Version'), '426 websocket-version'],
    ['version 8', replaced('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 8'), '426 websocket-version'],
    ['a list of versions', replaced('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 13, 8'), '426 websocket-version'],
    ['two versions', [...FIELDS, 'Sec-WebSocket-Version: 13'], '426 websocket-version'],
    ['no key', replaced('Sec-WebSocket-Key'), '400 websocket-key'],
    ['two keys', [...FIELDS, `Sec-WebSocket-Key: ${KEY}`], '400 websocket-key'],
    ['an empty key', replaced('Sec-WebSocket-Key', 'Sec-WebSocket-Key:'), '400 websocket-key'],
    [
      'a key of 15 bytes',
      replaced('Sec-WebSocket-Key', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j'),
      '400 websocket-key',
    ],
    [
      'a key of 17 bytes',
      replaced('Sec-WebSocket-Key', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE='),
      '400 websocket-key',
    ],
    [
      'a key with stray bits',
      replaced('Sec-WebSocket-Key', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=='),
      '400 websocket-key',
    ],
    [
      'a key in base64url',
      replaced('Sec-WebSocket-Key', 'Sec-WebSocket-Key: -_hlIHNhbXBsZSBub25jZQ=='),
      '400 websocket-key',
    ],
  ])('with %s', (_, fields, expected) => {
    expect(outcome(checkHandshake(request(fields)))).toBe(expected);
  });

  it.each([
    ['POST /chat HTTP/1.1', FIELDS, '405 method-not-allowed'],
    ['HEAD /chat HTTP/1.1', FIELDS, '405 method-not-allowed'],
    ['TRACE /chat HTTP/1.1', [], '405 method-not-allowed'],
    ['POST /chat HTTP/1.1', [], '426 upgrade-required'],
    ['get /chat HTTP/1.1', FIELDS, '501 unknown-method'],
    ['BREW /chat HTTP/1.1', [], '501 unknown-method'],
    ['GET /chat HTTP/1.0', FIELDS, '426 upgrade-required'],
  ])('%s', (line, fields, expected) => {
    expect(outcome(checkHandshake(request(fields, line)))).toBe(expected);
  });
});

describe('a switch', () => {
  const plain: Handshake = { key: KEY, subprotocols: [], extensions: false };
  const offering: Handshake = { key: KEY, subprotocols: ['v1, v2', 'v3'], extensions: true };
  const good = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${ACCEPT}`];
  const but = (name: string, ...others: string[]) => [...good.filter((f) => !f.startsWith(`${name}:`)), ...others];
  const bad = '502 upstream-bad-upgrade';

  it.each([
    ['nothing more', good, plain, 'accepted'],
    ['other cases', ['UPGRADE: WebSocket', 'connection: keep-alive, upgrade', good[2] ?? ''], plain, 'accepted'],
    ['a subprotocol of the list', [...good, 'Sec-WebSocket-Protocol: v2'], offering, 'accepted'],
    ['a subprotocol of the second line', [...good, 'Sec-WebSocket-Protocol: v3'], offering, 'accepted'],
    ['an extension', [...good, 'Sec-WebSocket-Extensions: permessage-deflate'], offering, 'accepted'],
    ['no Upgrade', but('Upgrade'), plain, bad],
    ['another Upgrade', but('Upgrade', 'Upgrade: h2c'), plain, bad],
    ['two upgrades', but('Upgrade', 'Upgrade: websocket, h2c'), plain, bad],
    ['no Connection', but('Connection'), plain, bad],
    ['Connection: close', but('Connection', 'Connection: close'), plain, bad],
    ['no accept', but('Sec-WebSocket-Accept'), plain, bad],
    [
      'an accept in another case',
      but('Sec-WebSocket-Accept', `Sec-WebSocket-Accept: ${ACCEPT.toLowerCase()}`),
      plain,
      bad,
    ],
    ['two accepts', [...good, `Sec-WebSocket-Accept: ${ACCEPT}`], plain, bad],
    ['a subprotocol that nobody offered', [...good, 'Sec-WebSocket-Protocol: v1'], plain, bad],
    ['a subprotocol in another case', [...good, 'Sec-WebSocket-Protocol: V1'], offering, bad],
    ['two subprotocols', [...good, 'Sec-WebSocket-Protocol: v1, v2'], offering, bad],
    ['two subprotocol lines', [...good, 'Sec-WebSocket-Protocol: v1', 'Sec-WebSocket-Protocol: v1'], offering, bad],
    ['an extension that nobody offered', [...good, 'Sec-WebSocket-Extensions: x'], plain, bad],
  ])('with %s', (_, fields, handshake, expected) => {
    expect(outcome(checkSwitch(response(fields), handshake))).toBe(expected);
  });

  it('is a 101 of HTTP/1.1', () => {
    expect(outcome(checkSwitch(response(good, 'HTTP/1.0 101 X'), plain))).toBe(bad);
    expect(outcome(checkSwitch(response(good, 'HTTP/1.1 200 OK'), plain))).toBe(bad);
  });
});
