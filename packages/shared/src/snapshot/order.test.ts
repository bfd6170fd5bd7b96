import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  compile,
  deployment,
  documents,
  gateway,
  gatewayClass,
  healthCheck,
  loadBalancing,
  namespace,
  referenceGrant,
  route,
  routePolicy,
  service,
  slice,
} from '../testing/manifests.js';

const REF = 'backendRefs: [{ name: chat, port: 80 }, { name: echo, port: 80 }]';
const MANAGED = 'default: { sessionAffinity: { affinityType: managed-cookie } }';
const NAMED = { spec: 'selector: { app: chat }' };

const ALL = 'allowedRoutes: { namespaces: { from: All } }';
const FROM_OTHER = 'group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: other';

/** Every kind, and every issue that is about two resources. */
const DOCUMENTS = [
  gateway({ listeners: [`name: a, port: 80, protocol: HTTP, ${ALL}`, `name: b, port: 81, protocol: HTTP, ${ALL}`] }),
  gateway({ name: 'second', listeners: ['name: a, port: 81, protocol: HTTP'] }),
  gateway({ name: 'third', listeners: ['name: a, port: 81, protocol: HTTP'] }),
  gateway({ name: 'theirs', className: 'theirs' }),
  gatewayClass('sluice.dev/gateway'),
  gatewayClass('example.com/theirs', 'theirs'),
  namespace('other', 'team: other'),
  referenceGrant('default', FROM_OTHER, 'group: "", kind: Service, name: echo', 'a'),
  referenceGrant('default', FROM_OTHER, 'group: "", kind: Service, name: chat', 'b'),
  route({
    name: 'd',
    namespace: 'other',
    parents: ['name: main, namespace: default', 'name: theirs, namespace: default', 'name: second, namespace: default'],
    rules: [
      'backendRefs: [{ name: echo, namespace: default, port: 80 }, { name: gone, port: 1 }, { kind: Pod, name: a }]',
    ],
  }),
  route({ name: 'a', rules: [REF] }),
  route({ name: 'b', rules: [REF, 'backendRefs: [{ name: gone, port: 80 }]'] }),
  route({ name: 'c', namespace: 'other', parents: ['name: main, namespace: default'], rules: [REF] }),
  service('chat', '{ port: 80, targetPort: ws }', 'default', NAMED),
  service('chat', '{ port: 80 }', 'other'),
  service('echo'),
  service('echo', '{ port: 80 }', 'other', { annotations: 'sluice.dev/dns-name: echo.other' }),
  slice({ name: 'echo-1', of: 'echo', endpoints: ['addresses: [10.0.0.1], conditions: { terminating: true }'] }),
  slice({ name: 'echo-2', of: 'echo', endpoints: ['addresses: [10.0.0.1, 10.0.0.2]'] }),
  deployment('one', 'app: chat', '{ name: ws, containerPort: 1 }'),
  deployment('two', 'app: chat', '{ name: ws, containerPort: 2 }'),
  healthCheck('default: { protocol: TCP }', { name: 'a' }),
  healthCheck('default: { protocol: WebSocket }', { name: 'b' }),
  loadBalancing('strategy: ring-hash', { name: 'a' }, 'name: chat', 'name: echo'),
  loadBalancing('strategy: least-request', { name: 'b' }, 'name: echo', 'name: gone'),
  routePolicy(MANAGED, { name: 'a' }, 'name: a'),
  routePolicy(MANAGED, { name: 'b' }, 'name: a'),
  routePolicy(MANAGED, { name: 'c', namespace: 'other' }, 'name: c'),
];

function compiled(texts: readonly string[]) {
  const { snapshot, issues, statuses } = compile(documents(...texts));
  const said = issues.map(({ resource, path, severity, message }) => `${resource} ${path} ${severity} ${message}`);
  return { snapshot, statuses, said: said.sort() };
}

test('neither the snapshot nor statuses and issues depend on the order of the documents', () => {
  const expected = compiled(DOCUMENTS);
  expect(expected.said).toHaveLength(15);
  const order = fc.shuffledSubarray(DOCUMENTS, { minLength: DOCUMENTS.length });
  fc.assert(
    fc.property(order, (texts) => {
      expect(compiled(texts)).toEqual(expected);
    }),
    { seed: 3, numRuns: 40 },
  );
});
