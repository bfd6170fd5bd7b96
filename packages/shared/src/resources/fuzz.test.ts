import { expect, test } from 'vitest';
import { parse as parseYaml, stringify } from 'yaml';
import {
  deployment,
  gateway,
  healthCheck,
  loadBalancing,
  route,
  routePolicy,
  service,
  slice,
} from '../testing/manifests.js';
import type { ConfigIssue } from './issue.js';
import { parseResources } from './parse.js';

const ROUNDS = 700;

/** Manifests with as many fields as there are. */
const SEEDS = [
  gateway({
    listeners: [
      'name: a, port: 443, protocol: HTTPS, hostname: a.b, tls: { mode: Terminate, certificateRefs: [{ name: a, namespace: b }], options: { a: b } }',
      'name: b, port: 80, protocol: HTTP, allowedRoutes: { namespaces: { from: Selector, selector: { matchLabels: { a: b }, matchExpressions: [{ key: a, operator: In, values: [b] }] } }, kinds: [{ kind: HTTPRoute }] }',
    ],
  }).replace('spec:\n', 'spec:\n  addresses: [{ type: IPAddress, value: 10.0.0.1 }]\n'),
  route({
    hostnames: ['a.b'],
    created: '"2026-01-31T12:00:00Z"',
    rules: [
      'matches: [{ path: { type: RegularExpression, value: "/a+" }, method: GET, headers: [{ name: a, value: b }], queryParams: [{ type: Exact, name: a, value: b }] }], timeouts: { request: 10s, backendRequest: 1s }, backendRefs: [{ name: a, port: 80, weight: 1, filters: [] }]',
      'filters: [{ type: RequestRedirect, requestRedirect: { scheme: https, port: 1, statusCode: 301, path: { type: ReplaceFullPath, replaceFullPath: / } } }]',
      'filters: [{ type: CORS, cors: { allowOrigins: [https://a.b], allowMethods: [GET], maxAge: 5 } }, { type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: a, value: b }], remove: [c] } }, { type: RequestMirror, requestMirror: { backendRef: { name: a, port: 1 }, percent: 1 } }]',
    ],
  }).replace('name: chat', 'name: chat, annotations: { sluice.dev/lifetime: 1h, sluice.dev/allowed-origins: same }'),
  service('a', '{ name: a, port: 80, targetPort: http }', 'b', { annotations: 'sluice.dev/live-connections: drain' }),
  healthCheck(
    'default: { interval: 5s, timeout: 1, healthyThreshold: 1, protocol: HTTP, http: { host: a, path: /, match: { statusCodes: [{ start: 200, end: 299 }] } } }',
  ),
  healthCheck(
    'override: { protocol: WebSocket, websocket: { path: /, headers: [{ name: a, value: b }], ping: true } }',
  ),
  loadBalancing(
    'strategy: load-aware, loadAware: { blackoutPeriod: 1s, errorUtilizationPenalty: "1.0", namedMetrics: [a] }',
  ),
  loadBalancing('strategy: round-robin, slowStart: { window: 1s, aggression: "1.0", startWeightPercent: 10 }'),
  routePolicy(
    'default: { sessionAffinity: { affinityType: application-cookie, cookieName: a, cookieDuration: 1s }, timeouts: { routeTimeout: 1s } }',
  ),
  deployment(),
  slice(),
  'apiVersion: v1\nkind: Secret\nmetadata: { name: a }\ntype: Opaque\ndata: { a: YQ== }\nstringData: { b: c }',
  'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { a: b }\nbinaryData: { c: YQ== }',
  'apiVersion: v1\nkind: Namespace\nmetadata: { name: a, labels: { a: b } }',
  'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: a }\nspec: { controllerName: a/b, description: c }',
  'apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: { name: a }\nspec: { from: [{ group: a, kind: B, namespace: c }], to: [{ group: "", kind: Secret, name: a }] }',
  'apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: { name: a }\nspec: { targetRefs: [{ group: "", kind: Service, name: a }], validation: { hostname: a, caCertificateRefs: [{ kind: ConfigMap, name: a }], subjectAltNames: [{ type: URI, uri: a:b }] } }',
  'apiVersion: alb.networking.azure.io/v1\nkind: BackendTLSPolicy\nmetadata: { name: a }\nspec: { targetRef: { kind: Service, name: a }, default: { sni: a, ports: [{ port: 1 }], verify: { caCertificateRef: { name: a }, subjectAltName: b } } }',
  'apiVersion: alb.networking.azure.io/v1\nkind: FrontendTLSPolicy\nmetadata: { name: a }\nspec: { targetRef: { kind: Gateway, name: a, sectionNames: [b] }, default: { verify: { caCertificateRef: { name: a } }, policyType: { type: predefined, name: 2023-06 } } }',
  'apiVersion: v1\nkind: List\nitems: [{ apiVersion: v1, kind: Service, metadata: { name: a }, spec: { ports: [{ port: 1 }] } }]',
].map((text): unknown => parseYaml(text));

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  0.5,
  1e300,
  2 ** 53,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '',
  ' ',
  'a',
  'A b',
  '*',
  '10s',
  '\u0000',
  '\u{1F600}',
  'x'.repeat(5000),
  '('.repeat(300),
  [],
  {},
  [null],
  [[]],
  [{}],
  { a: { b: 1 } },
  { '': '' },
  { __proto__x: 1, constructor: 2, toString: 3 },
];

/** Mulberry32: the same numbers for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Container = Record<string, unknown> | unknown[];

function containersOf(value: unknown): Container[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value as Container, ...Object.values(value).flatMap(containersOf)];
}

/** Puts something else in some places of a manifest. */
function mutate(value: unknown, next: () => number): unknown {
  const copy = structuredClone(value);
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(next() * items.length)] as Item;
  for (let changes = 1 + Math.floor(next() * 3); changes > 0; changes--) {
    const container = pick(containersOf(copy)) as Record<string, unknown>;
    const keys = Object.keys(container);
    const key =
      keys.length === 0 || (!Array.isArray(container) && next() < 0.2)
        ? pick(['extra', 'spec', 'kind', 'port'])
        : pick(keys);
    if (next() < 0.15 && !Array.isArray(container)) delete container[key];
    else if (Array.isArray(container)) container[Number(key) || 0] = structuredClone(pick(VALUES));
    else container[key] = structuredClone(pick(VALUES));
  }
  return copy;
}

/** What only the library of the schemas would say. */
const FOREIGN =
  /Invalid|Too (?:big|small)|Unrecognized|received|expected (?:string|number|object|array|record|int|one of)/;

/** Whether an issue is one of ours: words, place. */
function isOurs({ message, hint, line, column }: ConfigIssue): boolean {
  const placed = Number.isInteger(line) && Number.isInteger(column) && line >= 0 && column >= 0;
  return message !== '' && !FOREIGN.test(`${message}\n${hint}`) && placed;
}

test('whatever stands in a manifest, nothing throws and every issue is in our words, with a place', () => {
  const next = random(20260131);
  const strange: unknown[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const value = mutate(SEEDS[round % SEEDS.length], next);
    const text = next() < 0.5 ? stringify(value) : JSON.stringify(value);
    const { issues } = parseResources([{ file: 'fuzz.yaml', text }]);
    strange.push(...issues.filter((issue) => !isOurs(issue)).map((issue) => ({ round, text, issue })));
  }
  expect(strange).toEqual([]);
});

test('whatever the text is, nothing throws', () => {
  const next = random(7);
  const alphabet = [
    ...'{}[]:,-#&*!|>\'"%@`?~ \n\n\t\r\\ab01.<',
    '---',
    '- ',
    ': ',
    'kind: ',
    '<<: ',
    '&a ',
    '*a ',
    '\u0000',
    '\u{1F600}',
  ];
  for (let round = 0; round < ROUNDS; round++) {
    const length = Math.floor(next() * 60);
    const text = Array.from({ length }, () => alphabet[Math.floor(next() * alphabet.length)]).join('');
    const { issues } = parseResources([{ file: 'fuzz.yaml', text }]);
    if (issues.some(({ message }) => message === ''))
      throw new Error(`an issue without a message: ${JSON.stringify(text)}`);
  }
});
