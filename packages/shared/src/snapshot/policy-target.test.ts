import { expect, test } from 'vitest';
import {
  compile,
  documents,
  gateway,
  healthCheck,
  loadBalancing,
  marked,
  referenceGrant,
  route,
  routePolicy,
  service,
} from '../testing/manifests.js';
import { conditionsOf } from '../testing/statuses.js';

const BASE = documents(
  gateway(),
  route({ rules: ['backendRefs: [{ name: chat, port: 80 }]'], hostnames: ['a.com'] }),
  service(),
);
const AFFINITY = 'default: { sessionAffinity: { affinityType: managed-cookie } }';
const FINE = ['Accepted True Accepted', 'ResolvedRefs True ResolvedRefs'];

/** Each kind, a policy of it for a target, and what its conditions are called. */
const KINDS = [
  [
    'HealthCheckPolicy',
    'Service',
    (options: object, target: string) => healthCheck('default: {}', options, target),
    'targetRef',
    'InvalidHealthCheckPolicy',
    'InvalidService',
  ],
  [
    'BackendLoadBalancingPolicy',
    'Service',
    (options: object, target: string) => loadBalancing('strategy: ring-hash', options, target),
    'targetRefs[0]',
    'InvalidBackendLoadBalancingPolicy',
    'InvalidService',
  ],
  [
    'RoutePolicy',
    'HTTPRoute',
    (options: object, target: string) => routePolicy('default: {}', options, target),
    'targetRef',
    'InvalidRoutePolicy',
    'InvalidHTTPRoute',
  ],
] as const;

test.each(KINDS)('%s whose %s is there is accepted', (kind, _target, write) => {
  const result = compile(BASE, write({}, 'name: chat'));
  expect(result.issues).toEqual([]);
  expect(conditionsOf(result, kind, 'policy')).toEqual(FINE);
});

test.each(KINDS)('%s whose %s is not there does nothing', (kind, target, write, path, invalid, notFound) => {
  const { text, line, column } = marked(write({}, 'name: §gone'));
  const result = compile(text, BASE);
  const message = `there is no ${target} default/gone: the policy does nothing`;
  expect(result.issues).toMatchObject([{ severity: 'warning', line, column, path: `spec.${path}.name`, message }]);
  expect(conditionsOf(result, kind, 'policy')).toEqual([`Accepted False ${invalid}`, `ResolvedRefs False ${notFound}`]);
});

test.each(KINDS)('%s of another namespace than its %s needs a grant', (kind, target, write, path, invalid) => {
  const { text, line, column } = marked(write({ namespace: 'other' }, 'name: chat, namespace: §default'));
  const result = compile(text, BASE);
  expect(result.issues).toMatchObject([{ severity: 'warning', line, column, path: `spec.${path}.namespace` }]);
  expect(result.issues[0]?.message).toBe(
    `no ReferenceGrant in namespace default permits a reference from ${kind} of namespace other to ${target} default/chat`,
  );
  expect(conditionsOf(result, kind, 'other/policy')).toEqual([
    `Accepted False ${invalid}`,
    'ResolvedRefs False RefNotPermitted',
  ]);
});

test.each(KINDS)('%s of another namespace than its %s is honoured with a grant', (kind, target, write) => {
  const group = target === 'Service' ? '""' : 'gateway.networking.k8s.io';
  const from = `group: alb.networking.azure.io, kind: ${kind}, namespace: other`;
  const permit = referenceGrant('default', from, `group: ${group}, kind: ${target}`);
  const result = compile(BASE, permit, write({ namespace: 'other' }, 'name: chat, namespace: default'));
  expect(result.issues).toEqual([]);
  expect(conditionsOf(result, kind, 'other/policy')).toEqual(FINE);
});

test.each(KINDS)('of two %s for one %s the older counts', (kind, target, write, path) => {
  const young = marked(
    write({ name: 'a', created: '2026-02-01T00:00:00Z' }, 'name: chat').replace('{ group', '§{ group'),
  );
  const old = write({ name: 'b', created: '2026-01-01T00:00:00Z' }, 'name: chat');
  const ageless = write({ name: 'c' }, 'name: chat');
  const result = compile(young.text, ageless, old, BASE);
  const message = `${target} default/chat already has ${kind} default/b`;
  expect(result.issues.map((issue) => [issue.severity, issue.message])).toEqual([
    ['warning', message],
    ['warning', message],
  ]);
  expect(result.issues[0]).toMatchObject({ line: young.line, column: young.column, path: `spec.${path}` });
  expect(conditionsOf(result, kind, 'b')).toEqual(FINE);
  for (const loser of ['a', 'c']) {
    expect(conditionsOf(result, kind, loser)).toEqual(['Accepted False Conflicted', 'ResolvedRefs True ResolvedRefs']);
  }
});

test('a policy without a namespace is in that of its target', () => {
  const texts = [
    gateway({ namespace: 'chat' }),
    route({ namespace: 'chat', rules: ['backendRefs: [{ name: chat, port: 80 }]'] }),
    service('chat', '{ port: 80 }', 'chat'),
    loadBalancing('strategy: ring-hash', { namespace: 'chat' }),
    routePolicy(AFFINITY, { namespace: '' }, 'name: chat, namespace: chat'),
  ];
  const result = compile(documents(...texts));
  expect(result.snapshot.rules[0]?.affinity?.cookie).toBe('AGCAffinity');
  expect(conditionsOf(result, 'RoutePolicy', 'chat/policy')).toEqual(FINE);
});
