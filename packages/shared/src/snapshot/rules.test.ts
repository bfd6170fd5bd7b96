import { expect, test } from 'vitest';
import { brief, compile, documents, gateway, marked, route, service, slice } from '../testing/manifests.js';

const REF = 'backendRefs: [{ name: chat, port: 80 }]';

/** The endpoints of the only service as `address:port`. */
function endpointsOf(...texts: string[]): string[] {
  const { snapshot } = compile(documents(gateway(), route({ rules: [REF] }), ...texts));
  return (snapshot.services[0]?.targets ?? []).map(({ host, port }) => `${host}:${port}`);
}

test('backendRefs carry their weights and share the service that they mean', () => {
  const refs = '{ name: chat, port: 80 }, { name: echo, port: 80, weight: 9 }, { name: chat, port: 80, weight: 0 }';
  const { snapshot, issues } = compile(
    documents(
      gateway(),
      route({ rules: [`backendRefs: [${refs}]`, REF] }),
      documents(service('chat'), slice(), service('echo'), slice({ name: 'echo-1', of: 'echo' })),
    ),
  );
  expect(issues).toEqual([]);
  expect(snapshot.services.map(({ name }) => name)).toEqual(['default/chat/80', 'default/echo/80']);
  expect(snapshot.rules.map(({ index, backends }) => [index, backends])).toMatchObject([
    [
      0,
      [
        { service: 0, weight: 1 },
        { service: 1, weight: 9 },
        { service: 0, weight: 0 },
      ],
    ],
    [1, [{ service: 0, weight: 1 }]],
  ]);
});

test.each([
  ['{ name: gone, port: 80 }', 'there is no Service default/gone: its share of the requests is answered with 500'],
  [
    '{ name: chat, port: 81 }',
    'Service default/chat has no TCP port 81: its share of the requests is answered with 500',
  ],
  [
    '{ name: chat, port: 53 }',
    'Service default/chat has no TCP port 53: its share of the requests is answered with 500',
  ],
])('a reference that does not resolve keeps its share: %s', (ref, message) => {
  const { text, line, column } = marked(
    route({ rules: [`backendRefs: [{ name: chat, port: 80 }, §${ref.replace('}', ', weight: 3 }')}]`] }),
  );
  const ports = '{ name: a, port: 80 }, { name: d, port: 53, protocol: UDP }';
  const { snapshot, issues } = compile(
    text,
    documents(gateway(), service('chat', ports), slice({ ports: '{ name: a, port: 1 }' })),
  );
  expect(issues).toMatchObject([{ severity: 'warning', line, column, path: 'spec.rules[0].backendRefs[1]', message }]);
  expect(snapshot.rules[0]?.backends).toMatchObject([
    { service: 0, weight: 1 },
    { service: -1, weight: 3 },
  ]);
});

test.each([
  [
    'backendRefs: [{ name: chat, port: 80, weight: 0 }]',
    'has only backendRefs of weight 0: its requests are answered with 500',
  ],
  ['backendRefs: []', 'has no backendRefs: its requests are answered with 500'],
])('a rule that can send nothing anywhere is a warning: %s', (rule, message) => {
  const { issues } = compile(documents(gateway(), route({ rules: [rule] }), service(), slice()));
  expect(brief(issues)).toEqual([`spec.rules[0]: ${message}`]);
});

test('a Service without a ready endpoint is an empty service and a warning', () => {
  const { snapshot, issues } = compile(
    documents(
      gateway(),
      route({ rules: [REF] }),
      service(),
      slice({ endpoints: ['addresses: [10.0.0.1], conditions: { ready: false }'] }),
    ),
  );
  expect(snapshot.services).toMatchObject([{ name: 'default/chat/80', targets: [] }]);
  expect(brief(issues)).toEqual([
    'spec.rules[0].backendRefs[0]: Service default/chat has no ready endpoint on port 80: its share of the requests is answered with 503',
  ]);
});

test('the endpoints of a Service are those of all its slices, by slice name, each once', () => {
  const slices = documents(
    slice({ name: 'b', endpoints: ['addresses: [10.0.0.3]', 'addresses: [10.0.0.1]'] }),
    slice({
      name: 'a',
      endpoints: ['addresses: [10.0.0.1, 10.0.0.2]', 'addresses: [10.0.0.9], conditions: { ready: false }'],
    }),
    slice({ name: 'six', type: 'IPv6', endpoints: ['addresses: ["0::1"]'] }),
    slice({ name: 'else', of: 'echo', endpoints: ['addresses: [10.9.9.9]'] }),
  );
  expect(endpointsOf(service(), slices)).toEqual(['10.0.0.1:9000', '10.0.0.2:9000', '10.0.0.3:9000', '::1:9000']);
});

test("a slice's port is found by the name of the Service's, unnamed by unnamed", () => {
  const named =
    '{ name: ws, port: 9001 }, { name: admin, port: 9002 }, { name: ws, port: 9003, protocol: UDP }, { port: 9004 }';
  expect(endpointsOf(service('chat', '{ name: ws, port: 80, targetPort: 1 }'), slice({ ports: named }))).toEqual([
    '10.0.0.1:9001',
  ]);
  expect(endpointsOf(service(), slice({ ports: named }))).toEqual(['10.0.0.1:9004']);
  expect(endpointsOf(service('chat', '{ name: other, port: 80 }'), slice({ ports: named }))).toEqual([]);
});

test('a slice of another namespace is of another Service', () => {
  const foreign = slice().replace('metadata: { name', 'metadata: { namespace: other, name');
  expect(endpointsOf(service(), foreign)).toEqual(['chat:80']);
});

test('a slice that belongs to no Service is a warning', () => {
  const { issues } = compile(documents(gateway(), slice().replace(/, labels: \{.*?\}/, '')));
  expect(issues).toMatchObject([
    { severity: 'warning', resource: 'EndpointSlice default/chat-1', message: 'belongs to no Service' },
  ]);
});

test('rules of a route that is attached to nothing are left out', () => {
  const { snapshot } = compile(
    documents(gateway(), route({ parents: ['name: other'], rules: [REF] }), service(), slice()),
  );
  expect([snapshot.rules, snapshot.services]).toEqual([[], []]);
});
