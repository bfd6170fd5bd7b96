/**
 * Requests through routers over large snapshots: one scenario a shape that an index could be bad at, each with the rule
 * that has to come out. Pure; the randomness is the caller's.
 */
import { HEAD_LIMITS, parseRequestHead, type RequestHead } from '@sluice/dataplane/policy/head';
import { isRefusal } from '@sluice/dataplane/policy/refusal';
import { createRouter } from '@sluice/dataplane/policy/router';
import type { HostSnapshot, MatchSnapshot } from '@sluice/shared/snapshot/snapshot';
import { encodeSnapshot, openSnapshot } from '@sluice/shared/snapshot/view';
import { aListener, aMatch, aSnapshot } from '@sluice/shared/testing/snapshots';
import type { Random } from '../statistics.js';

/** A request and the rule that takes it, -1 for none. */
interface Expected {
  readonly rule: number;
  readonly host?: string;
  readonly path?: string;
  readonly query?: string;
  readonly fields?: readonly string[];
}

export interface RoutingScenario {
  readonly name: string;
  readonly title: string;
  /** Hosts of the one listener, with `count` matches in all. */
  readonly hosts: (count: number) => readonly HostSnapshot[];
  /** `index` below `count`. */
  readonly request: (index: number, count: number) => Expected;
}

const HOST = 'shared.example.com';
/** Expressions are tried one by one; so many on one host are already unusual. */
const EXPRESSIONS = 100;

const numbered = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** One host with a match a rule. */
function oneHost(count: number, match: (index: number) => Partial<MatchSnapshot>): readonly HostSnapshot[] {
  return [{ hostname: HOST, matches: numbered(count, (index) => aMatch(index, match(index))) }];
}

function withHeader(name: string, value: string): Partial<MatchSnapshot> {
  return { path: '/app', headers: [{ name, value, regex: false }] };
}

const deepPath = (index: number): string => `/team-${index % 100}/app-${index}`;

export const ROUTING: readonly RoutingScenario[] = [
  {
    name: 'hosts',
    title: 'as many hostnames',
    hosts: (count) => numbered(count, (i) => ({ hostname: `site-${i}.example.com`, matches: [aMatch(i)] })),
    request: (index) => ({ rule: index, host: `site-${index}.example.com`, path: '/socket' }),
  },
  {
    name: 'wildcards',
    title: 'as many wildcard hostnames',
    hosts: (count) => numbered(count, (i) => ({ hostname: `*.site-${i}.example.com`, matches: [aMatch(i)] })),
    request: (index) => ({ rule: index, host: `a.b.site-${index}.example.com`, path: '/socket' }),
  },
  {
    name: 'paths',
    title: 'as many prefixes of one host',
    hosts: (count) => oneHost(count, (i) => ({ path: deepPath(i) })),
    request: (index) => ({ rule: index, path: `${deepPath(index)}/room/7/socket` }),
  },
  {
    name: 'exact',
    title: 'as many exact paths of one host',
    hosts: (count) => oneHost(count, (i) => ({ pathType: 'Exact', path: deepPath(i) })),
    request: (index) => ({ rule: index, path: deepPath(index) }),
  },
  {
    name: 'header values',
    title: 'as many values of one header under one path',
    hosts: (count) => oneHost(count, (i) => withHeader('x-tenant', `tenant-${i}`)),
    request: (index) => ({ rule: index, path: '/app/socket', fields: [`X-Tenant: tenant-${index}`] }),
  },
  {
    name: 'header names',
    title: 'as many headers under one path',
    hosts: (count) => oneHost(count, (i) => withHeader(`x-tenant-${i}`, '1')),
    request: (index) => ({ rule: index, path: '/app/socket', fields: [`X-Tenant-${index}: 1`] }),
  },
  {
    name: 'parameter values',
    title: 'as many values of one query parameter under one path',
    hosts: (count) =>
      oneHost(count, (i) => ({ path: '/app', queryParams: [{ name: 'tenant', value: `tenant-${i}`, regex: false }] })),
    request: (index) => ({ rule: index, path: '/app/socket', query: `tenant=tenant-${index}` }),
  },
  {
    name: 'expressions',
    title: `${EXPRESSIONS} expressions before as many prefixes of one host`,
    hosts: (count) =>
      oneHost(count, (i) =>
        i < EXPRESSIONS ? { pathType: 'RegularExpression', path: `/v[0-9]+/app-${i}/.*` } : { path: deepPath(i) },
      ),
    request: (index) => ({
      rule: index,
      path: index < EXPRESSIONS ? `/v12/app-${index}/socket` : `${deepPath(index)}/socket`,
    }),
  },
  {
    name: 'no path',
    title: 'a path that none of as many prefixes takes',
    hosts: (count) => oneHost(count, (i) => ({ path: deepPath(i) })),
    request: (index) => ({ rule: -1, path: `/team-${index % 100}/none-${index}/room/7/socket` }),
  },
  {
    name: 'no host',
    title: 'a host that none of as many hostnames takes',
    hosts: (count) => numbered(count, (i) => ({ hostname: `site-${i}.example.com`, matches: [aMatch(i)] })),
    request: (index) => ({ rule: -1, host: `other-${index}.example.com`, path: '/socket' }),
  },
];

/** What a browser sends beside what the scenario is about. */
const BROWSER_FIELDS = [
  'Connection: keep-alive, Upgrade',
  'Pragma: no-cache',
  'Cache-Control: no-cache',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Upgrade: websocket',
  'Origin: https://www.example.com',
  'Sec-WebSocket-Version: 13',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
  'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=1',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
];

function headOf({ host = HOST, path = '/', query = 'room=7', fields = [] }: Expected): RequestHead {
  const lines = [`GET ${path}?${query} HTTP/1.1`, `Host: ${host}`, ...BROWSER_FIELDS, ...fields, '', ''];
  const head = parseRequestHead(lines.join('\r\n'), HEAD_LIMITS);
  if (isRefusal(head)) throw new Error(`${path}: ${head.code}`);
  return head;
}

/** A router over the scenario's snapshot, and requests to it in random order, each checked once. */
export class RoutingRun {
  readonly #heads: readonly RequestHead[];
  readonly #port: readonly number[] = [0];
  readonly #router: ReturnType<typeof createRouter>;

  /** Throws Error when the router gives another rule than the scenario says. */
  constructor(scenario: RoutingScenario, count: number, requests: number, random: Random) {
    const snapshot = aSnapshot({ listeners: [aListener({ hosts: scenario.hosts(count) })] });
    this.#router = createRouter(openSnapshot(encodeSnapshot(snapshot)));
    const expected = numbered(requests, () => scenario.request(Math.floor(random() * count), count));
    this.#heads = expected.map(headOf);
    for (const [index, { rule }] of expected.entries()) {
      const found = this.once(index);
      if (found !== rule) throw new Error(`${scenario.name}: rule ${found} took what rule ${rule} should have`);
    }
  }

  /** Routes one of the requests; the rule, -1 for none. */
  once(index: number): number {
    const head = this.#heads[index % this.#heads.length] as RequestHead;
    const listener = this.#router.listener(this.#port, head.host);
    const match = isRefusal(listener) ? listener : this.#router.route(listener, head.host, head.path, head);
    return isRefusal(match) ? -1 : match.rule;
  }
}
