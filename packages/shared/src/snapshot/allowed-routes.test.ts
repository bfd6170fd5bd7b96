import { expect, test } from 'vitest';
import { brief, compile, documents, gateway, namespace, route } from '../testing/manifests.js';
import { listenerConditions, parentConditions, statusOf } from '../testing/statuses.js';

const RULES = ['backendRefs: []'];

function attached(allowedRoutes: string, routeNamespace: string, ...more: string[]): boolean {
  const result = compile(
    documents(
      gateway({ listeners: [`name: http, port: 80, protocol: HTTP, allowedRoutes: { ${allowedRoutes} }`] }),
      route({ namespace: routeNamespace, parents: ['name: main, namespace: default'], rules: RULES }),
      ...more,
    ),
  );
  const count = statusOf(result, 'Gateway', 'main').listeners?.[0]?.attachedRoutes;
  const [conditions] = parentConditions(result, `${routeNamespace}/chat`);
  expect(conditions?.[0]).toBe(count === 1 ? 'Accepted True Accepted' : 'Accepted False NotAllowedByListeners');
  expect(result.snapshot.rules).toHaveLength(count ?? -1);
  return count === 1;
}

test.each([
  ['namespaces: { from: Same }', 'default', true],
  ['namespaces: { from: Same }', 'team', false],
  ['namespaces: { from: All }', 'team', true],
  ['namespaces: { from: None }', 'default', false],
  ['namespaces: { from: Selector, selector: { matchLabels: { tier: gold } } }', 'team', true],
  ['namespaces: { from: Selector, selector: { matchLabels: { tier: gold } } }', 'default', false],
  ['namespaces: { from: Selector, selector: { matchLabels: { kubernetes.io/metadata.name: bare } } }', 'bare', true],
  ['namespaces: { from: Selector, selector: {} }', 'bare', true],
  ['kinds: [{ kind: HTTPRoute }]', 'default', true],
  ['kinds: [{ kind: GRPCRoute }, { kind: HTTPRoute }]', 'default', true],
  ['kinds: []', 'default', true],
  ['kinds: [{ kind: GRPCRoute }]', 'default', false],
  ['kinds: [{ group: example.com, kind: HTTPRoute }]', 'default', false],
])('allowedRoutes { %s }, a route of namespace %s: %s', (allowedRoutes, from, expected) => {
  expect(attached(allowedRoutes, from, namespace('team', 'tier: gold'))).toBe(expected);
});

const HTTP_KINDS = [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute' }];

test.each([
  ['kinds: [{ kind: GRPCRoute }, { kind: HTTPRoute }]', HTTP_KINDS],
  ['kinds: [{ kind: GRPCRoute }]', []],
])('a kind that is not served is a condition, and the listener is served: %s', (allowedRoutes, kinds) => {
  const result = compile(
    gateway({ listeners: [`name: http, port: 80, protocol: HTTP, allowedRoutes: { ${allowedRoutes} }`] }),
  );
  expect(brief(result.issues)).toEqual([
    'spec.listeners[0].allowedRoutes.kinds[0]: routes of kind GRPCRoute of group "gateway.networking.k8s.io" are not served',
  ]);
  expect(listenerConditions(result, 'main', 'http')).toEqual([
    'Accepted True Accepted',
    'Programmed True Programmed',
    'ResolvedRefs False InvalidRouteKinds',
    'Conflicted False NoConflicts',
  ]);
  expect(statusOf(result, 'Gateway', 'main').listeners?.[0]?.supportedKinds).toEqual(kinds);
});

test('without kinds a listener supports what its protocol carries', () => {
  const result = compile(
    gateway({ listeners: ['name: http, port: 80, protocol: HTTP', 'name: tcp, port: 81, protocol: TCP'] }),
  );
  const kinds = statusOf(result, 'Gateway', 'main').listeners?.map(({ supportedKinds }) => supportedKinds);
  expect(kinds).toEqual([HTTP_KINDS, []]);
});
