/** Heads that go on, whatever a client sends and a filter says: held by what every backend and client rests on. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { requestHead, switchHead } from './forward.js';
import { HEAD_LIMITS, parseRequestHead, parseResponseHead } from './head.js';
import { changesOf } from './header-changes.js';
import { isRefusal } from './refusal.js';

const names = [
  ...['Connection', 'UPGRADE', 'upgrade', 'Keep-Alive', 'TE', 'Trailer', 'Transfer-Encoding', 'Content-Length', 'Host'],
  ...['X-Forwarded-For', 'x_forwarded_for', 'X-Forwarded_Proto', 'x-forwarded-proto', 'X-Request-Id', 'X_REQUEST_ID'],
  ...[
    'Sec-WebSocket-Key',
    'sec-websocket-accept',
    'Sec-WebSocket-Protocol',
    'X-User',
    'X_User',
    'x-user',
    '__proto__',
    'constructor',
  ],
];
const name = fc.constantFrom(...names);
const value = fc.constantFrom(
  'x',
  'close',
  'X-User, x-forwarded-for, sec-websocket-key, host',
  'evil.test',
  'chunked',
  '5',
  'websocket',
);
/** What an operator writes with underscores is meant. */
const plain = fc.constantFrom(...names.filter((each) => !each.slice(1).includes('_')));
const changes = fc.record({
  set: fc.array(fc.tuple(plain, value), { maxLength: 3 }),
  add: fc.array(fc.tuple(plain, value), { maxLength: 3 }),
  remove: fc.array(
    plain.map((each) => each.toLowerCase()),
    { maxLength: 3 },
  ),
});
const lines = fc.array(fc.tuple(name, value), { maxLength: 6 }).map((all) => all.filter(([each]) => each !== 'Host'));
const context = { clientAddress: '192.0.2.1', scheme: 'https', requestId: 'ID' } as const;

function filtersOf(requestHeaders: typeof NONE, responseHeaders: typeof NONE) {
  return { requestHeaders, responseHeaders, rewrite: null, redirect: null, cors: null };
}
type Pair = [string, string];
const NONE: { set: Pair[]; add: Pair[]; remove: string[] } = { set: [], add: [], remove: [] };

function written(fields: readonly Pair[]): string {
  return fields.map(([each, text]) => `${each}: ${text}\r\n`).join('');
}

it('a request states once who asked and how it upgrades, and whose handshake it is', () => {
  const property = fc.property(lines, changes, (sent, filter) => {
    const head = parseRequestHead(`GET / HTTP/1.1\r\nHost: a.test\r\n${written(sent)}\r\n`, HEAD_LIMITS);
    if (isRefusal(head)) throw new Error(head.code);
    const { request, host } = changesOf(filtersOf(filter, NONE), null);
    const forwarded = parseRequestHead(requestHead(head, context, { path: '/', host, fields: request }), HEAD_LIMITS);
    if (isRefusal(forwarded)) throw new Error(forwarded.code);
    const all = (wanted: string): string[] =>
      forwarded.fields.filter(({ lowerName }) => lowerName.replaceAll('_', '-') === wanted).map((field) => field.value);
    expect([all('connection'), all('upgrade'), all('x-request-id'), all('x-forwarded-proto')]).toEqual([
      ['Upgrade'],
      ['websocket'],
      ['ID'],
      ['https'],
    ]);
    expect(all('x-forwarded-for')).toHaveLength(1);
    expect(all('x-forwarded-for')[0]).toMatch(/(^|, )192\.0\.2\.1$/);
    expect(all('host')).toHaveLength(1);
    expect(
      [all('transfer-encoding'), all('content-length'), all('te'), all('trailer'), all('keep-alive')].flat(),
    ).toEqual([]);
    for (const own of ['sec-websocket-key', 'sec-websocket-protocol', 'sec-websocket-accept']) {
      expect(all(own)).toEqual(head.fields.filter(({ lowerName }) => lowerName === own).map((field) => field.value));
    }
    const set = filter.set.filter(([each]) => each.toLowerCase() === 'x-user');
    if (set.length > 0 && filter.remove.length === 0) expect(all('x-user')).toContain(set.at(-1)?.[1]);
  });
  fc.assert(property, { seed: 3, numRuns: 3000 });
});

it('a 101 keeps the handshake and is framed by nobody', () => {
  const property = fc.property(lines, changes, (sent, filter) => {
    const head = parseResponseHead(`HTTP/1.1 101 Switching\r\n${written(sent)}\r\n`, HEAD_LIMITS);
    if (isRefusal(head)) throw new Error(head.code);
    const { response } = changesOf(filtersOf(NONE, filter), null);
    const passed = parseResponseHead(switchHead(head, 'ID', { added: '', fields: response, cors: false }), HEAD_LIMITS);
    if (isRefusal(passed)) throw new Error(passed.code);
    const all = (of: typeof head, wanted: string): string[] =>
      of.fields.filter(({ lowerName }) => lowerName === wanted).map((field) => field.value);
    expect([all(passed, 'connection'), all(passed, 'upgrade'), all(passed, 'x-request-id')]).toEqual([
      ['Upgrade'],
      ['websocket'],
      ['ID'],
    ]);
    expect([all(passed, 'transfer-encoding'), all(passed, 'content-length'), all(passed, 'te')].flat()).toEqual([]);
    for (const own of ['sec-websocket-accept', 'sec-websocket-protocol'])
      expect(all(passed, own)).toEqual(all(head, own));
  });
  fc.assert(property, { seed: 4, numRuns: 3000 });
});
