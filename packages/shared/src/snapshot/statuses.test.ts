import { expect, test } from 'vitest';
import { RSA } from '../testing/certificates.js';
import {
  brief,
  compile,
  documents,
  gateway,
  healthCheck,
  loadBalancing,
  route,
  routePolicy,
  service,
} from '../testing/manifests.js';
import { briefConditions, conditionsOf, listenerConditions, parentConditions, statusOf } from '../testing/statuses.js';
import { backendTls, tlsSecret } from '../testing/tls-manifests.js';

const REF = 'backendRefs: [{ name: chat, port: 80 }]';

test('every resource that has a status has one, by kind and name', () => {
  const { statuses } = compile(
    documents(
      service('chat'),
      routePolicy('default: {}', {}),
      healthCheck(),
      loadBalancing('strategy: least-request'),
      route({ name: 'b', rules: [REF] }),
      route({ name: 'chat', rules: [REF] }),
      gateway({ listeners: ['name: http, port: 81, protocol: HTTP'], name: 'second' }),
      gateway(),
    ),
  );
  expect(statuses.map(({ apiVersion, kind, namespace, name }) => `${apiVersion} ${kind} ${namespace}/${name}`)).toEqual(
    [
      'alb.networking.azure.io/v1 BackendLoadBalancingPolicy default/policy',
      'gateway.networking.k8s.io/v1 Gateway default/main',
      'gateway.networking.k8s.io/v1 Gateway default/second',
      'gateway.networking.k8s.io/v1 HTTPRoute default/b',
      'gateway.networking.k8s.io/v1 HTTPRoute default/chat',
      'alb.networking.azure.io/v1 HealthCheckPolicy default/policy',
      'alb.networking.azure.io/v1 RoutePolicy default/policy',
    ],
  );
});

test('what nobody spoke about is as it should be', () => {
  const result = compile(documents(gateway(), route({ rules: [REF] }), service(), healthCheck()));
  expect(brief(result.issues)).toEqual([]);
  expect(conditionsOf(result, 'Gateway', 'main')).toEqual(['Accepted True Accepted', 'Programmed True Programmed']);
  expect(listenerConditions(result, 'main', 'http')).toEqual([
    'Accepted True Accepted',
    'Programmed True Programmed',
    'ResolvedRefs True ResolvedRefs',
    'Conflicted False NoConflicts',
  ]);
  expect(parentConditions(result, 'chat')).toEqual([['Accepted True Accepted', 'ResolvedRefs True ResolvedRefs']]);
  expect(conditionsOf(result, 'HealthCheckPolicy', 'policy')).toEqual([
    'Accepted True Accepted',
    'ResolvedRefs True ResolvedRefs',
  ]);
});

test('a parent is named as the route names it', () => {
  const parents = ['name: main', 'name: main, namespace: default, sectionName: http, port: 80'];
  const { parents: statuses } = statusOf(
    compile(documents(gateway(), route({ parents, rules: [REF] }), service())),
    'HTTPRoute',
    'chat',
  );
  const ref = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'main' };
  expect(statuses?.map(({ parentRef, controllerName }) => [parentRef, controllerName])).toEqual([
    [ref, 'sluice.dev/gateway'],
    [{ ...ref, namespace: 'default', sectionName: 'http', port: 80 }, 'sluice.dev/gateway'],
  ]);
});

test('listeners come in the order of the Gateway, with the routes that are attached to each', () => {
  const listeners = ['name: b, port: 81, protocol: HTTP', 'name: a, port: 80, protocol: HTTP, hostname: a.com'];
  const result = compile(
    documents(
      gateway({ listeners }),
      route({ name: 'one', rules: [REF] }),
      route({ name: 'two', hostnames: ['b.com'], rules: [REF] }),
      route({ name: 'three', parents: ['name: main, sectionName: b', 'name: main, port: 81'], rules: [REF] }),
      service(),
    ),
  );
  const { listeners: statuses } = statusOf(result, 'Gateway', 'main');
  expect(statuses?.map(({ name, attachedRoutes }) => [name, attachedRoutes])).toEqual([
    ['b', 3],
    ['a', 1],
  ]);
});

test('a listener that is not served says why it is not programmed', () => {
  const listeners = ['name: a, port: 80, protocol: HTTP', 'name: b, port: 81, protocol: UDP'];
  const { listeners: statuses } = statusOf(compile(gateway({ listeners })), 'Gateway', 'main');
  expect(statuses?.[1]?.conditions[1]).toEqual({
    type: 'Programmed',
    status: 'False',
    reason: 'Invalid',
    message: 'protocol UDP is not supported',
  });
});

const OVERLAP = 'OverlappingTLSConfig True OverlappingHostnames';
const HTTPS = 'port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: cert }] }';

test('HTTPS listeners of one port whose hostnames overlap say so, and are served', () => {
  const hosts = ['"*.example.com"', 'chat.example.com', 'chat.example.org'];
  const listeners = hosts.map((hostname, index) => `name: l${index}, hostname: ${hostname}, ${HTTPS}`);
  const result = compile(documents(gateway({ listeners }), tlsSecret('cert', RSA)));
  expect(hosts.map((_, index) => listenerConditions(result, 'main', `l${index}`).includes(OVERLAP))).toEqual([
    true,
    true,
    false,
  ]);
  expect(result.snapshot.listeners.map(({ name, protocol }) => [name, protocol])).toEqual([
    ['l1', 'HTTPS'],
    ['l2', 'HTTPS'],
    ['l0', 'HTTPS'],
  ]);
});

test('a listener without a certificate is accepted and not programmed; its routes count', () => {
  const listeners = [`name: https, ${HTTPS}`, 'name: http, port: 80, protocol: HTTP'];
  const result = compile(documents(gateway({ listeners }), route({ rules: [REF] }), service()));
  expect(listenerConditions(result, 'main', 'https')).toEqual([
    'Accepted True Accepted',
    'Programmed False Invalid',
    'ResolvedRefs False InvalidCertificateRef',
    'Conflicted False NoConflicts',
  ]);
  expect(statusOf(result, 'Gateway', 'main').listeners?.map(({ attachedRoutes }) => attachedRoutes)).toEqual([1, 1]);
  expect(conditionsOf(result, 'Gateway', 'main')[0]).toBe('Accepted True ListenersNotValid');
});

test("the standard's policies have a status for each target, as it is written", () => {
  const refs = 'name: gone }, { group: "", kind: Service, name: chat, sectionName: ws';
  const result = compile(
    documents(
      gateway(),
      route({ rules: [REF] }),
      service('chat', '{ name: ws, port: 80 }'),
      backendTls('wellKnownCACertificates: System, hostname: chat.example.com', {}, refs),
    ),
  );
  const { ancestors } = statusOf(result, 'BackendTLSPolicy', 'policy');
  expect(ancestors?.map(({ ancestorRef, conditions }) => [ancestorRef, briefConditions(conditions)])).toEqual([
    [{ group: '', kind: 'Service', name: 'gone' }, ['Accepted False TargetNotFound', 'ResolvedRefs True ResolvedRefs']],
    [
      { group: '', kind: 'Service', name: 'chat', sectionName: 'ws' },
      ['Accepted True Accepted', 'ResolvedRefs True ResolvedRefs'],
    ],
  ]);
});
