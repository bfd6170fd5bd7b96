/** What is routed is what a backend reads: held for targets made of awkward parts, and for snapshots made of plain paths. */
import type { PathMatchType } from '@sluice/shared/snapshot/snapshot';
import { aListener, aMatch, aSnapshot, viewOf } from '@sluice/shared/testing/snapshots';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { requestHead } from './forward.js';
import { HEAD_LIMITS, parseRequestHead } from './head.js';
import { cleanPath, isSuspect } from './paths.js';
import { isRefusal } from './refusal.js';
import { createRouter, type Router } from './router.js';

const part = fc.constantFrom(
  ...[
    '/',
    '/',
    '/',
    '.',
    '..',
    '%2e',
    '%2E',
    '%2f',
    '\\',
    '%5c',
    '//',
    '%00',
    '%',
    '%c0%af',
    '%61',
    'a',
    'b',
    '~',
    '%7E',
    '-',
  ],
  ...['%25', '%2561', '%40', '@', '*', '+', '%20', '?', '/..', '/../', '%e0%80%af', '%f0%80%80%af', '%C1%9C'],
);
const target = fc
  .tuple(
    fc.constantFrom('/', '', 'http://h.test', 'http://h.test/', 'HTTP://h.test?'),
    fc.array(part, { maxLength: 9 }),
  )
  .map(([start, parts]) => start + parts.join(''));
const path = fc
  .array(fc.constantFrom('a', 'b', '~', '-', 'aa', '.a', 'a.'), { maxLength: 3 })
  .map((all) => `/${all.join('/')}`);
const type = fc.constantFrom<PathMatchType>('Exact', 'PathPrefix');

/** As a lenient server reads a path: decoded, by any reading of UTF-8, then resolved. */
function asBackendReads(forwarded: string): string {
  const bytes = forwarded.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const text = bytes
    .replace(/[\xc0\xc1]([\x80-\xbf])|\xe0[\x80-\x9f]([\x80-\xbf])|\xf0[\x80-\x8f]([\x80-\xbf])([\x80-\xbf])/g, '/')
    .replaceAll('\\', '/');
  return new URL(`http://x${text.replace(/\/+/g, '/').replace(/[%?# ]/g, '_')}`).pathname;
}

function ruleOf(router: Router, asked: string): number {
  const match = router.route(0, 'h.test', asked, { method: 'GET', fields: [], query: undefined });
  return isRefusal(match) ? -1 : match.rule;
}

it('a path that is forwarded parses to itself and has its rule, as the gateway and as a backend read it', () => {
  const taken = { count: 0 };
  const property = fc.property(
    target,
    fc.array(fc.tuple(type, path), { maxLength: 6 }),
    fc.boolean(),
    (asked, paths, normalise) => {
      const request = parseRequestHead(`GET ${asked} HTTP/1.1\r\nHost: h.test\r\n\r\n`, HEAD_LIMITS);
      if (isRefusal(request)) return;
      const clean = isSuspect(request.path) ? cleanPath(request.path, normalise) : request.path;
      if (isRefusal(clean)) return;
      taken.count++;
      const context = { clientAddress: '192.0.2.1', scheme: 'http', requestId: 'ID' } as const;
      const changes = clean === request.path ? undefined : { path: clean, host: '', fields: undefined };
      const forwarded = parseRequestHead(requestHead(request, context, changes), HEAD_LIMITS);
      if (isRefusal(forwarded)) throw new Error(`${asked}: ${forwarded.code}`);
      expect([forwarded.path, forwarded.query]).toEqual([clean, request.query]);
      const again = isSuspect(clean) ? cleanPath(clean, false) : clean;
      expect(again).toBe(clean);
      const matches = paths.map(([pathType, each], rule) => aMatch(rule, { pathType, path: each }));
      const hosts = [{ hostname: '', matches }];
      const router = createRouter(viewOf(aSnapshot({ listeners: [aListener({ hosts })] })));
      expect(ruleOf(router, asBackendReads(clean)), clean).toBe(ruleOf(router, clean));
    },
  );
  fc.assert(property, { seed: 7, numRuns: 3000 });
  expect(taken.count).toBeGreaterThan(500);
});
