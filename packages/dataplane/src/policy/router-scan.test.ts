import type {
  HostSnapshot,
  ListenerSnapshot,
  MatchSnapshot,
  PathMatchType,
  Snapshot,
  ValueMatchSnapshot,
} from '@sluice/shared/snapshot/snapshot';
import { aListener, aSnapshot, viewOf } from '@sluice/shared/testing/snapshots';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fieldName } from './field-name.js';
import { isRefusal } from './refusal.js';
import { createRouter } from './router.js';

interface Asked {
  readonly host: string;
  readonly path: string;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly query: readonly (readonly [string, string])[];
}

const EXPRESSIONS = ['/a.*', '/[ab]+', '(/a)?/b', '/.*', '/ab|/a'];
const VALUE_EXPRESSIONS = ['v.*', 'v[12]', '1|v2', '.*3'];

const host = fc.constantFrom('a.test', 'b.test', 'x.a.test', 'y.x.a.test', 'test', 'atest', '', '[::1]');
const hostname = fc.constantFrom('', 'a.test', 'b.test', 'x.a.test', '*.a.test', '*.test', '*.x.a.test');
const path = fc
  .array(fc.constantFrom('', 'a', 'b', 'ab', '\u00fc'), { maxLength: 4 })
  .map((elements) => `/${elements.join('/')}`);
const value = fc.constantFrom('v1', 'v2', 'v3');
const name = fc.constantFrom('n', 'm', 'o');
const wanted: fc.Arbitrary<ValueMatchSnapshot> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ name, value, regex: fc.constant(false) }) },
  fc.record({ name, value: fc.constantFrom(...VALUE_EXPRESSIONS), regex: fc.constant(true) }),
);
const wantedList = fc.uniqueArray(wanted, { maxLength: 2, selector: (each) => each.name });

const match: fc.Arbitrary<Omit<MatchSnapshot, 'rule'>> = fc
  .record({
    pathType: fc.constantFrom<PathMatchType>('Exact', 'PathPrefix', 'PathPrefix', 'RegularExpression'),
    path,
    expression: fc.constantFrom(...EXPRESSIONS),
    method: fc.constantFrom('', '', 'GET', 'PUT'),
    headers: wantedList,
    queryParams: wantedList,
  })
  .map(({ expression, ...each }) => ({ ...each, path: pathOf(each.pathType, each.path, expression) }));

function pathOf(type: PathMatchType, path: string, expression: string): string {
  if (type === 'RegularExpression') return expression;
  return type === 'Exact' ? path : path.replace(/(?!^)\/+$/, '') || '/';
}

/** Few paths in the first, so that lists of one path are long; many hosts and listeners in the second. */
const listenerOf = (matches: fc.Arbitrary<Omit<MatchSnapshot, 'rule'>[]>, hostsMax: number) =>
  fc.record({ hostname, hosts: fc.array(fc.record({ hostname, matches }), { maxLength: hostsMax }) });
const near = fc.record({ one: match, path: fc.constantFrom('/', '/a') }).map(({ one, path: short }) => ({
  ...one,
  path: one.pathType === 'RegularExpression' ? '/a.*' : short,
}));
const deep = fc.tuple(
  fc.record({
    hostname: fc.constantFrom('', 'a.test'),
    hosts: fc.tuple(
      fc.record({ hostname: fc.constantFrom('', 'a.test'), matches: fc.array(near, { minLength: 20, maxLength: 80 }) }),
    ),
  }),
);
const wide = fc.array(listenerOf(fc.array(match, { maxLength: 8 }), 4), { maxLength: 4 });

const asked: fc.Arbitrary<Asked> = fc.record({
  host,
  path,
  method: fc.constantFrom('GET', 'PUT', 'POST'),
  headers: fc.array(fc.tuple(name, value), { maxLength: 3 }),
  query: fc.array(fc.tuple(name, value), { maxLength: 3 }),
});

type Listeners = readonly {
  hostname: string;
  hosts: readonly { hostname: string; matches: Omit<MatchSnapshot, 'rule'>[] }[];
}[];

/** Rules are numbered in the order in which they are written down. */
function snapshotOf(listeners: Listeners): Snapshot {
  let rules = 0;
  return aSnapshot({
    listeners: listeners.map(({ hostname, hosts }) =>
      aListener({
        hostname,
        hosts: hosts.map((each) => ({ ...each, matches: each.matches.map((one) => ({ ...one, rule: rules++ })) })),
      }),
    ),
  });
}

/** Of those that take the host, the most specific first; of equal ones the first alone. */
function ranked<T extends HostSnapshot | ListenerSnapshot>(named: readonly T[], host: string): T[] {
  const takes = ({ hostname: each }: T): boolean =>
    each === '' ||
    each === host ||
    (each.startsWith('*.') && host.length > each.length - 1 && host.endsWith(each.slice(1)));
  const rank = ({ hostname: each }: T): number => (each === '' ? 1000 : each.startsWith('*.') ? 500 - each.length : 0);
  const first = (each: T, index: number): boolean =>
    named.findIndex((other) => other.hostname === each.hostname) === index;
  return named
    .filter(first)
    .filter(takes)
    .sort((a, b) => rank(a) - rank(b));
}

function fitsPath({ pathType, path: own }: MatchSnapshot, at: string): boolean {
  if (pathType === 'RegularExpression') return new RegExp(`^(?:${own})$`, 'u').test(at);
  if (pathType === 'Exact') return own === at;
  return own === '/' || at === own || at.startsWith(`${own}/`);
}

function fits(each: MatchSnapshot, { path: at, method, headers, query }: Asked): boolean {
  const has = ({ name: of, value: to, regex }: ValueMatchSnapshot, found: string | undefined): boolean =>
    found !== undefined && (regex ? new RegExp(`^(?:${to})$`).test(found) : found === to) && of !== '';
  const header = (of: string): string | undefined => {
    const values = headers.filter(([key]) => key === of).map(([, own]) => own);
    return values.length === 0 ? undefined : values.join(', ');
  };
  return (
    fitsPath(each, at) &&
    (each.method === '' || each.method === method) &&
    each.headers.every((one) => has(one, header(one.name))) &&
    each.queryParams.every((one) => has(one, query.find(([key]) => key === one.name)?.[1]))
  );
}

function scanned({ listeners }: Snapshot, request: Asked): string {
  const [listener] = ranked(listeners, request.host);
  if (listener === undefined) return 'none';
  for (const each of ranked(listener.hosts, request.host)) {
    const found = each.matches.find((one) => fits(one, request));
    if (found !== undefined) return `${listeners.indexOf(listener)}/${found.rule}`;
  }
  return 'none';
}

function routed(snapshot: Snapshot, requests: readonly Asked[]): string[] {
  const router = createRouter(viewOf(snapshot));
  const port = snapshot.listeners.map((_, index) => index);
  return requests.map((request) => {
    const listener = router.listener(port, request.host);
    if (isRefusal(listener)) return 'none';
    const fields = request.headers.map(([of, to]) => {
      const known = fieldName(of);
      return { name: of, lowerName: known.lower, id: known.id, value: to };
    });
    const query = request.query.map((pair) => pair.join('=')).join('&');
    const found = router.route(listener, request.host, request.path, { method: request.method, fields, query });
    return isRefusal(found) ? 'none' : `${found.listener}/${found.rule}`;
  });
}

it.each([
  ['with long lists of one path', deep],
  ['with many listeners and hosts', wide],
])('the answer is that of trying everything in order: %s', (_, listeners) => {
  fc.assert(
    fc.property(listeners, fc.array(asked, { minLength: 8, maxLength: 8 }), (given, requests) => {
      const snapshot = snapshotOf(given);
      expect(routed(snapshot, requests)).toEqual(requests.map((request) => scanned(snapshot, request)));
    }),
    { seed: 11, numRuns: 800 },
  );
});
