import { expect, test } from 'vitest';
import { httpFilters } from '../resources/http-filter.js';
import { compileFilters } from './filters.js';
import type { FiltersSnapshot } from './rule-policy.js';

/** Filters as a manifest has them. */
function compiled(...filters: unknown[]): FiltersSnapshot | null {
  return compileFilters(httpFilters.parse(filters));
}

function redirect(fields: object) {
  return compiled({ type: 'RequestRedirect', requestRedirect: fields })?.redirect;
}

const NONE = { requestHeaders: null, responseHeaders: null, rewrite: null, redirect: null, cors: null };

test('no filters, and filters that change nothing, are null', () => {
  expect(compiled()).toBeNull();
  expect(compiled({ type: 'RequestHeaderModifier', requestHeaderModifier: {} })).toBeNull();
  expect(compiled({ type: 'URLRewrite', urlRewrite: {} })).toBeNull();
  expect(compiled({ type: 'RequestMirror', requestMirror: { backendRef: { name: 'chat', port: 80 } } })).toBeNull();
});

test.each([
  ['RequestHeaderModifier', 'requestHeaderModifier', 'requestHeaders'],
  ['ResponseHeaderModifier', 'responseHeaderModifier', 'responseHeaders'],
])('%s: names to set and add as written, to remove in lower case', (type, block, member) => {
  const changes = { set: [{ name: 'X-A', value: 'a' }], add: [{ name: 'X-B', value: 'b, c' }], remove: ['X-Gone'] };
  expect(compiled({ type, [block]: changes })).toEqual({
    ...NONE,
    [member]: { set: [['X-A', 'a']], add: [['X-B', 'b, c']], remove: ['x-gone'] },
  });
});

test.each([
  [
    { type: 'ReplaceFullPath', replaceFullPath: '/new' },
    { type: 'full', value: '/new' },
  ],
  [
    { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' },
    { type: 'prefix', value: '/new' },
  ],
  [
    { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new/' },
    { type: 'prefix', value: '/new' },
  ],
  [
    { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' },
    { type: 'prefix', value: '' },
  ],
  [
    { type: 'ReplacePrefixMatch', replacePrefixMatch: '' },
    { type: 'prefix', value: '' },
  ],
])('URLRewrite path %j', (path, expected) => {
  expect(compiled({ type: 'URLRewrite', urlRewrite: { path } })?.rewrite).toEqual({ hostname: '', path: expected });
});

test('URLRewrite hostname alone keeps the path', () => {
  expect(compiled({ type: 'URLRewrite', urlRewrite: { hostname: 'b.example.com' } })?.rewrite).toEqual({
    hostname: 'b.example.com',
    path: null,
  });
});

test('RequestRedirect: everything that is not given is kept, and the status is 302', () => {
  expect(redirect({})).toEqual({ scheme: '', hostname: '', path: null, port: -1, status: 302 });
  const path = { type: 'ReplaceFullPath', replaceFullPath: '/x' };
  expect(redirect({ scheme: 'https', hostname: 'b.example.com', path, port: 8443, statusCode: 308 })).toEqual({
    scheme: 'https',
    hostname: 'b.example.com',
    path: { type: 'full', value: '/x' },
    port: 8443,
    status: 308,
  });
});

// HTTPRequestRedirectFilter.Port.
test.each([
  ["no scheme, no port: the listener's", {}, -1],
  ['a scheme, no port: its well-known one, which is not written', { scheme: 'https' }, 0],
  ['a scheme, no port: its well-known one, which is not written', { scheme: 'http' }, 0],
  ['the well-known port is not written', { scheme: 'https', port: 443 }, 0],
  ['the well-known port is not written', { scheme: 'http', port: 80 }, 0],
  ['the well-known port of the other scheme is', { scheme: 'http', port: 443 }, 443],
  ['a port without a scheme is given on', { port: 8080 }, 8080],
])('RequestRedirect port: %s', (_, fields, port) => {
  expect(redirect(fields)?.port).toBe(port);
});

test('CORS: origins in lower case, defaults filled in', () => {
  expect(compiled({ type: 'CORS', cors: { allowOrigins: ['https://A.example.com'] } })?.cors).toEqual({
    allowOrigins: ['https://a.example.com'],
    allowCredentials: false,
    allowMethods: [],
    allowHeaders: [],
    exposeHeaders: [],
    maxAgeS: 5,
  });
});

test('several filters become one', () => {
  const filters = compiled(
    { type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['A'] } },
    { type: 'CORS', cors: {} },
    { type: 'URLRewrite', urlRewrite: { hostname: 'b.example.com' } },
  );
  expect(Object.entries(filters ?? {}).flatMap(([name, value]) => (value === null ? [] : [name]))).toEqual([
    'requestHeaders',
    'rewrite',
    'cors',
  ]);
});
