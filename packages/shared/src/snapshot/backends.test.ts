import { expect, test } from 'vitest';
import { compile, documents, gateway, marked, referenceGrant, route, service, slice } from '../testing/manifests.js';
import { parentConditions, routeMessage } from '../testing/statuses.js';
import { backendTls } from '../testing/tls-manifests.js';
import type { CompileResult } from './compile.js';

const ANSWERS_500 = ': its share of the requests is answered with 500';
const ACCEPTED = 'Accepted True Accepted';

function withRefs(refs: string, ...more: string[]): CompileResult {
  const rules = [`backendRefs: [{ name: chat, port: 80 }, ${refs}]`];
  return compile(documents(gateway(), route({ rules }), service(), slice(), ...more));
}

function said({ issues }: CompileResult): [string, string, string][] {
  return issues.map(({ severity, path, message }) => [severity, path, message]);
}

test.each([
  ['{ name: gone, port: 80 }', 'BackendNotFound', '', 'there is no Service default/gone'],
  ['{ name: chat, port: 81 }', 'BackendNotFound', '', 'Service default/chat has no TCP port 81'],
  [
    '{ group: multicluster.x-k8s.io, kind: ServiceImport, name: chat, port: 80 }',
    'InvalidKind',
    '.kind',
    'a backend of kind ServiceImport of group multicluster.x-k8s.io is not served',
  ],
  ['{ kind: Pod, name: chat, port: 80 }', 'InvalidKind', '.kind', 'a backend of kind Pod is not served'],
  [
    '{ name: chat, namespace: other, port: 80 }',
    'RefNotPermitted',
    '.namespace',
    'no ReferenceGrant in namespace other permits a reference from HTTPRoute of namespace default to Service other/chat',
  ],
])('a reference that means no service keeps its share, and is a condition: %s', (ref, reason, field, message) => {
  const result = withRefs(ref.replace(' }', ', weight: 7 }'), service('chat', '{ port: 80 }', 'other'));
  const at = 'spec.rules[0].backendRefs[1]';
  expect(said(result)).toEqual([['warning', `${at}${field}`, message + ANSWERS_500]]);
  expect(parentConditions(result, 'chat')).toEqual([[ACCEPTED, `ResolvedRefs False ${reason}`]]);
  expect(routeMessage(result, 'chat', 'ResolvedRefs')).toBe(`${at}: ${message}`);
  expect(result.snapshot.rules[0]?.backends).toEqual([
    { service: 0, weight: 1, filters: null },
    { service: -1, weight: 7, filters: null },
  ]);
});

test('the place of a reference that is not permitted is that of its namespace', () => {
  const { text, line, column } = marked(
    route({ rules: ['backendRefs: [{ name: chat, namespace: §other, port: 80 }]'] }),
  );
  expect(compile(text, gateway()).issues[0]).toMatchObject({ severity: 'warning', line, column });
});

test('a ReferenceGrant opens a namespace for routes of another', () => {
  const grant = referenceGrant(
    'other',
    'group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default',
    'group: "", kind: Service',
  );
  const result = withRefs(
    '{ name: chat, namespace: other, port: 80 }',
    service('chat', '{ port: 80 }', 'other'),
    grant,
    slice({ name: 'x' }).replace('metadata: {', 'metadata: { namespace: other,'),
  );
  expect(said(result)).toEqual([]);
  expect(parentConditions(result, 'chat')).toEqual([[ACCEPTED, 'ResolvedRefs True ResolvedRefs']]);
  expect(result.snapshot.services.map(({ name }) => name)).toEqual(['default/chat/80', 'other/chat/80']);
});

test('a namespace that grants nothing does not tell what is in it', () => {
  const result = withRefs('{ name: gone, namespace: other, port: 80 }');
  expect(parentConditions(result, 'chat')).toEqual([[ACCEPTED, 'ResolvedRefs False RefNotPermitted']]);
});

test('of several references that lead nowhere the first is the reason, and the others are counted', () => {
  const result = withRefs('{ name: gone, port: 80 }, { kind: Pod, name: chat, port: 80 }');
  expect(parentConditions(result, 'chat')[0]?.[1]).toBe('ResolvedRefs False BackendNotFound');
  expect(routeMessage(result, 'chat', 'ResolvedRefs')).toBe(
    'spec.rules[0].backendRefs[1]: there is no Service default/gone, and 1 more',
  );
});

test('references of a route that is attached to nothing are looked at for its condition alone', () => {
  const rules = ['backendRefs: [{ name: gone, port: 80 }]'];
  const result = compile(documents(gateway(), route({ parents: ['name: other'], rules })));
  expect(parentConditions(result, 'chat')).toEqual([
    ['Accepted False NoMatchingParent', 'ResolvedRefs False BackendNotFound'],
  ]);
  expect(result.issues.map(({ path }) => path)).toEqual(['spec.parentRefs[0].name']);
  expect(result.snapshot.services).toEqual([]);
});

test('header modifiers of a backendRef are applied to its requests', () => {
  const filter = '{ type: RequestHeaderModifier, requestHeaderModifier: { remove: [X-A] } }';
  const result = withRefs(`{ name: chat, port: 80, filters: [${filter}] }`);
  expect(said(result)).toEqual([]);
  expect(result.snapshot.rules[0]?.backends[1]).toMatchObject({
    service: 0,
    filters: { requestHeaders: { set: [], add: [], remove: ['x-a'] } },
  });
});

test.each([
  ['URLRewrite', 'urlRewrite: { hostname: a.example.com }'],
  ['RequestRedirect', 'requestRedirect: {}'],
  ['CORS', 'cors: {}'],
  ['ExternalAuth', 'externalAuth: {}'],
])('a backendRef with a %s answers 500 for its share', (type, block) => {
  const result = withRefs(`{ name: chat, port: 80, filters: [{ type: ${type}, ${block} }] }`);
  const path = 'spec.rules[0].backendRefs[1].filters[0]';
  const message = `a filter of type ${type} is not served at a backendRef`;
  expect(said(result)).toEqual([['warning', path, message + ANSWERS_500]]);
  expect(result.snapshot.rules[0]).toMatchObject({ broken: '', backends: [{ service: 0 }, { service: -1 }] });
  expect(parentConditions(result, 'chat')).toEqual([
    ['Accepted False UnsupportedValue', 'ResolvedRefs True ResolvedRefs'],
  ]);
});

test('a backendRef with an extension that is not known answers 500 for its share', () => {
  const filter = '{ type: ExtensionRef, extensionRef: { group: example.com, kind: Limit, name: a } }';
  const result = withRefs(`{ name: chat, port: 80, filters: [${filter}] }`);
  expect(result.snapshot.rules[0]?.backends).toMatchObject([{ service: 0 }, { service: -1 }]);
  expect(parentConditions(result, 'chat')).toEqual([[ACCEPTED, 'ResolvedRefs False InvalidKind']]);
});

test.each([
  ['kubernetes.io/h2c', 'backends are spoken to in HTTP/1.1'],
  ['kubernetes.io/wss', 'no BackendTLSPolicy says how to verify it'],
])('a port with appProtocol: %s is not reached', (protocol, why) => {
  const result = withRefs('{ name: echo, port: 80 }', service('echo', `{ port: 80, appProtocol: ${protocol} }`));
  const message = `port 80 of Service default/echo has appProtocol: ${protocol}, and ${why}`;
  expect(said(result)).toEqual([['warning', 'spec.rules[0].backendRefs[1]', message + ANSWERS_500]]);
  expect(parentConditions(result, 'chat')).toEqual([[ACCEPTED, 'ResolvedRefs False UnsupportedProtocol']]);
});

test.each(['kubernetes.io/ws', 'http', 'example.com/mine'])('a port with appProtocol: %s is', (protocol) => {
  const result = withRefs('{ name: echo, port: 80 }', service('echo', `{ port: 80, appProtocol: ${protocol} }`));
  expect(said(result)).toEqual([]);
});

test('appProtocol: kubernetes.io/wss goes with a TLS policy', () => {
  const policy = backendTls('wellKnownCACertificates: System, hostname: a.example.com').replace(
    'name: chat',
    'name: echo',
  );
  const result = withRefs(
    '{ name: echo, port: 80 }',
    service('echo', '{ port: 80, appProtocol: kubernetes.io/wss }'),
    policy,
  );
  expect(parentConditions(result, 'chat')).toEqual([[ACCEPTED, 'ResolvedRefs True ResolvedRefs']]);
});

test('a Service whose TLS policy cannot be followed is not reached', () => {
  const policy = backendTls('caCertificateRefs: [{ group: "", kind: ConfigMap, name: gone }], hostname: a.example.com');
  const result = withRefs('{ name: echo, port: 80 }', policy.replace('name: chat', 'name: echo'), service('echo'));
  expect(result.snapshot.rules[0]?.backends).toMatchObject([{ service: 0 }, { service: -1 }]);
  expect(parentConditions(result, 'chat')).toEqual([[ACCEPTED, 'ResolvedRefs False InvalidBackendTLSPolicy']]);
});
