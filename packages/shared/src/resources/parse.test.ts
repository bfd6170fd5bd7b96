import { expect, test } from 'vitest';
import { brief, documents, FILE, gateway, marked, parse, route, service } from '../testing/manifests.js';
import { formatIssue } from './issue.js';

test('a kind that is not read is one warning with its first place and its number', () => {
  const map = (name: string) => `apiVersion: v1\nkind: Pod\nmetadata: { name: ${name} }`;
  const { issues } = parse(documents(service(), map('a'), map('b'), map('c')));
  expect(issues).toMatchObject([{ severity: 'warning', line: 8, column: 1, resource: 'Pod default/a' }]);
  expect(issues[0]?.message).toBe('kind Pod of v1 is not read: passed over (3 of them; this is the first)');
});

test('kinds of the same name in other groups are told apart, with a hint', () => {
  const { issues } = parse('apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: { name: a }');
  expect(issues.map(formatIssue)).toEqual([
    `${FILE}:1:1: warning: Gateway default/a: kind Gateway of networking.istio.io/v1 is not read: passed over; ` +
      'Sluice reads Gateway of gateway.networking.k8s.io/v1',
  ]);
});

test('a kind that is spelt in other letters is passed over, with a hint', () => {
  const { issues } = parse(documents(gateway(), route().replace('HTTPRoute', 'Httproute')));
  expect(issues).toMatchObject([{ hint: 'Sluice reads HTTPRoute of gateway.networking.k8s.io/v1' }]);
});

test('a number that no type can hold is one error', () => {
  const text = gateway({ listeners: [`name: a, port: 1${'0'.repeat(23)}, protocol: HTTP`] });
  expect(brief(parse(text).issues)).toEqual(['spec.listeners[0].port: 1e+23 is not a port']);
});

test('two groups may have a kind of one name: they are told apart, and a third is named both', () => {
  const policy = (apiVersion: string, spec: string) =>
    `apiVersion: ${apiVersion}\nkind: BackendTLSPolicy\nmetadata: { name: a }\nspec: { ${spec} }`;
  const target = '{ group: "", kind: Service, name: chat }';
  const { resources, issues } = parse(
    policy(
      'gateway.networking.k8s.io/v1alpha3',
      `targetRefs: [${target}], validation: { hostname: a.b, wellKnownCACertificates: System }`,
    ),
    policy('alb.networking.azure.io/v1', `targetRef: ${target}, default: { sni: a.b }`),
    policy('example.com/v1', ''),
  );
  expect(resources.backendTlsPolicies).toMatchObject([{ group: 'gateway.networking.k8s.io', name: 'a' }]);
  expect(resources.albBackendTlsPolicies).toMatchObject([{ group: 'alb.networking.azure.io', name: 'a' }]);
  expect(issues).toMatchObject([
    {
      severity: 'warning',
      hint: 'Sluice reads BackendTLSPolicy of gateway.networking.k8s.io/v1 and alb.networking.azure.io/v1',
    },
  ]);
});

test('a version that is not read is an error at apiVersion', () => {
  const { text, line, column } = marked(`apiVersion: §gateway.networking.k8s.io/v1alpha2
kind: HTTPRoute
metadata: { name: a }`);
  expect(parse(text).issues).toMatchObject([
    {
      severity: 'error',
      line,
      column,
      path: 'apiVersion',
      message: 'version "v1alpha2" of HTTPRoute is not supported',
      hint: 'use gateway.networking.k8s.io/v1',
    },
  ]);
});

test('v1beta1 of the Gateway API is read', () => {
  const { resources, issues } = parse(gateway().replace('k8s.io/v1', 'k8s.io/v1beta1'));
  expect(issues).toEqual([]);
  expect(resources.gateways).toHaveLength(1);
});

test.each([
  ['metadata: { name: a }', ['apiVersion: is required', 'kind: is required']],
  ['apiVersion: v1', ['kind: is required']],
  [
    'apiVersion: 1\nkind: [Service]',
    ['apiVersion: must be a string, not the number 1', 'kind: must be a string, not a sequence'],
  ],
  ['apiVersion: v1\nkind: Service', ['metadata: is required', 'spec: is required']],
  ['apiVersion: v1\nkind: Service\nspec: {}\nmetadata: {}', ['metadata.name: is required']],
])('what every manifest needs: %j', (text, expected) => {
  expect(brief(parse(text).issues)).toEqual(expected);
});

test('the second of two with the same kind, namespace and name is an error that names the first', () => {
  const { resources, issues } = parse(documents(service(), gateway()), service('chat', '{ port: 81 }'));
  expect(issues).toMatchObject([{ severity: 'error', file: 'test2.yaml', line: 2, resource: 'Service default/chat' }]);
  expect(issues[0]?.message).toBe(`is defined a second time; the first is at ${FILE}:2:1`);
  expect(resources.services.map(({ spec }) => spec.ports[0]?.port)).toEqual([80]);
});

test('the same name in another namespace or kind is another resource', () => {
  const { resources, issues } = parse(
    documents(service('a'), service('a', '{ port: 80 }', 'other'), gateway({ name: 'a' }), route({ name: 'a' })),
  );
  expect(issues).toEqual([]);
  expect(resources.services).toHaveLength(2);
});

test('a GatewayClass has no namespace and says who controls it', () => {
  const text =
    'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: sluice }\nspec: { controllerName: example.com/x, parametersRef: {} }\n';
  expect(parse(text).issues).toEqual([]);
  expect(parse(text).resources.gatewayClasses[0]?.spec.controllerName).toBe('example.com/x');
  expect(brief(parse(text.replace('controllerName', 'controller')).issues)).toEqual([
    'spec.controllerName: is required',
    'spec.controller: unknown field',
  ]);
  expect(parse(documents(text, text)).issues).toMatchObject([{ resource: 'GatewayClass sluice' }]);
});

test('what a server sets is not read', () => {
  const { resources, issues } = parse(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: main
  uid: 8a7
  generation: 3
  resourceVersion: "1"
  creationTimestamp: "2026-01-31T12:00:00Z"
  annotations: { a: b }
  finalizers: [x]
  ownerReferences: [{}]
  managedFields: [{ manager: kubectl }]
spec:
  gatewayClassName: sluice
  listeners: [{ name: http, port: 80, protocol: HTTP }]
status:
  conditions: [{ type: Accepted }]
`);
  expect(issues).toEqual([]);
  expect(resources.gateways[0]?.createdAtMs).toBe(Date.UTC(2026, 0, 31, 12));
});

test.each([
  ['name: §Chat', 'metadata.name', '"Chat" is not a valid name'],
  ['name: a, namespace: §a.b', 'metadata.namespace', '"a.b" is not a valid name'],
  ['name: a, §namepsace: b', 'metadata.namepsace', 'unknown field'],
  ['name: a, creationTimestamp: §yesterday', 'metadata.creationTimestamp', '"yesterday" is not a time'],
  ['name: a, labels: { b: §1 }', 'metadata.labels.b', 'must be a string, not the number 1'],
])('metadata { %s }', (metadata, path, message) => {
  const { text, line, column } = marked(gateway().replace(/metadata: .*/, `metadata: { ${metadata} }`));
  expect(parse(text).issues).toMatchObject([{ line, column, path, message }]);
});

test('a field beside spec that nobody knows is an error', () => {
  const { text, line, column } = marked(`${gateway()}§spce: {}\n`);
  expect(parse(text).issues).toMatchObject([{ line, column, path: 'spce', message: 'unknown field' }]);
});

test('the issues of all files and resources come together, in the order of their places', () => {
  const { issues } = parse(
    documents(route({ hostnames: ['A', '1.2.3.4'] }), service('chat', '{ port: 0 }')),
    gateway({ listeners: ['name: http, port: 80, protocol: 1, tls: []'] }),
  );
  expect(issues.map(({ file, path }) => [file, path])).toEqual([
    [FILE, 'spec.hostnames[0]'],
    [FILE, 'spec.hostnames[1]'],
    [FILE, 'spec.ports[0].port'],
    ['test2.yaml', 'spec.listeners[0].protocol'],
    ['test2.yaml', 'spec.listeners[0].tls'],
  ]);
});

test('keys that JavaScript knows are unknown fields like any other', () => {
  for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const text = gateway().replace('spec:\n', `spec:\n  ${key}: { polluted: true }\n`);
    expect(brief(parse(text).issues)).toEqual([`spec.${key}: unknown field`]);
  }
  expect({}).not.toHaveProperty('polluted');
});

test('every document of a file is read, in its order', () => {
  const names = Array.from({ length: 20 }, (_, index) => `r${index}`);
  const { resources, issues } = parse(documents(...names.map((name) => route({ name }))));
  expect(issues).toEqual([]);
  expect(resources.httpRoutes.map(({ name }) => name)).toEqual(names);
});
