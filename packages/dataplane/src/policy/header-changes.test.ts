import type { FiltersSnapshot, HeaderChanges } from '@sluice/shared/snapshot/rule-policy';
import { describe, expect, it } from 'vitest';
import { changesOf } from './header-changes.js';

type Changes = Partial<HeaderChanges>;

function changes(given: Changes): HeaderChanges {
  return { set: [], add: [], remove: [], ...given };
}

function filters(requestHeaders: Changes | null, responseHeaders: Changes | null, more = {}): FiltersSnapshot {
  return {
    requestHeaders: requestHeaders === null ? null : changes(requestHeaders),
    responseHeaders: responseHeaders === null ? null : changes(responseHeaders),
    rewrite: null,
    redirect: null,
    cors: null,
    ...more,
  };
}

/** Dropped names and added lines of a request that these two change. */
function requestOf(rule: Changes | null, backend: Changes | null = null): [string[], string[]] {
  const { request } = changesOf(
    rule === null ? null : filters(rule, null),
    backend === null ? null : filters(backend, null),
  );
  return [[...(request?.dropped ?? [])], (request?.lines ?? '').split('\r\n').slice(0, -1)];
}

describe('changes of a request', () => {
  it('set replaces, add comes besides, remove drops', () => {
    expect(requestOf({ set: [['X-Set', 'a']], add: [['X-Add', 'b, c']], remove: ['x-gone'] })).toEqual([
      ['x-set', 'x-gone'],
      ['X-Set: a', 'X-Add: b, c'],
    ]);
  });

  it('of the rule come before those of the backendRef, which changes what the rule left', () => {
    const rule = { set: [['X-A', 'rule'] as const, ['X-B', 'rule'] as const], add: [['X-C', 'rule'] as const] };
    expect(requestOf(rule, { set: [['x-a', 'ref']], add: [['X-B', 'ref']], remove: ['x-c'] })).toEqual([
      ['x-a', 'x-b', 'x-c'],
      ['X-B: rule', 'x-a: ref', 'X-B: ref'],
    ]);
  });

  it.each([
    'Connection',
    'upgrade',
    'TE',
    'Keep-Alive',
    'Content-Length',
    'transfer-encoding',
    'Trailer',
    'Sec-WebSocket-Key',
    'sec-websocket-version',
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Extensions',
    'Sec-WebSocket-Anything',
    'X-Forwarded-For',
    'x-forwarded-proto',
    'X-Request-Id',
    'Host',
  ])('cannot touch %s', (name) => {
    expect(requestOf({ set: [[name, 'a']], add: [[name, 'b']], remove: [name.toLowerCase()] })).toEqual([[], []]);
  });

  it('may set a Host that is one', () => {
    const host = (value: string): string => changesOf(filters({ set: [['hOst', value]] }, null), null).host;
    expect(host('b.test:8080')).toBe('b.test:8080');
    for (const value of ['', 'a b', 'a.test/x', 'u@a.test', '[::1', 'a.test:99999']) expect(host(value)).toBe('');
    const added = changesOf(filters({ add: [['Host', 'b.test']] }, null), null);
    expect([added.host, added.request]).toEqual(['', undefined]);
    const both = changesOf(filters({ set: [['Host', 'b.test']] }, null), filters({ set: [['Host', 'c.test']] }, null));
    expect(both.host).toBe('c.test');
  });
});

describe('changes of an answer', () => {
  const responseOf = (given: Changes, more = {}) => changesOf(filters(null, given, more), null).response;

  it.each([
    'Connection',
    'Upgrade',
    'Sec-WebSocket-Accept',
    'Content-Length',
    'Date',
    'X-Request-Id',
    'Endpoint-Load-Metrics',
  ])('cannot touch %s', (name) => {
    const all = { set: [[name, 'a'] as const], add: [[name, 'b'] as const], remove: [name.toLowerCase()] };
    expect(responseOf(all)).toBeUndefined();
  });

  it('may add cookies and set what a request may not', () => {
    expect(responseOf({ set: [['X-Forwarded-For', 'a']], add: [['Set-Cookie', 'a=b']] })).toEqual({
      dropped: new Set(['x-forwarded-for']),
      lines: 'X-Forwarded-For: a\r\nSet-Cookie: a=b\r\n',
    });
  });

  it('leave CORS to its filter where there is one', () => {
    const given = { set: [['Access-Control-Allow-Origin', '*'] as const] };
    expect(responseOf(given)?.lines).toBe('Access-Control-Allow-Origin: *\r\n');
    expect(responseOf(given, { cors: { allowOrigins: [] } })).toBeUndefined();
  });
});

it('are none without filters, and the same object for the same filters', () => {
  expect(changesOf(null, null)).toEqual({ request: undefined, response: undefined, host: '' });
  const rule = filters({ remove: ['a'] }, null);
  const ref = filters({ remove: ['b'] }, null);
  expect(changesOf(rule, ref)).toBe(changesOf(rule, ref));
  expect(changesOf(rule, null)).not.toBe(changesOf(rule, ref));
  expect([...(changesOf(null, ref).request?.dropped ?? [])]).toEqual(['b']);
});
