import { expect, test } from 'vitest';
import { brief, compile, deployment, documents, gateway, marked, route, service, slice } from '../testing/manifests.js';
import { DEFAULT_LIVE_CONNECTIONS } from './service-policy.js';

const ROUTE = documents(gateway(), route({ rules: ['backendRefs: [{ name: chat, port: 80 }]'] }));

function targetsOf(...texts: string[]): string[] {
  const { snapshot, issues } = compile(ROUTE, ...texts);
  expect(brief(issues)).toEqual([]);
  return (snapshot.services[0]?.targets ?? []).map(
    ({ type, host, port, draining }) => `${type} ${host} ${port}${draining ? ' draining' : ''}`,
  );
}

test.each([
  ['{ port: 80 }', 'name chat 80'],
  ['{ port: 80, targetPort: 9000 }', 'name chat 9000'],
])('a Service without slices is found by DNS under its name: %s', (ports, expected) => {
  expect(targetsOf(service('chat', ports))).toEqual([expected]);
});

test('the annotation dns-name replaces the name', () => {
  const annotations = 'sluice.dev/dns-name: tasks.chat';
  expect(targetsOf(service('chat', '{ port: 80, targetPort: 9000 }', 'default', { annotations }))).toEqual([
    'name tasks.chat 9000',
  ]);
});

test.each(['', '{ port: 80 }', '{ port: 80, targetPort: 9000 }', '{ port: 80, targetPort: ws }'])(
  'an externalName is dialled on the port of the reference: ports [%s]',
  (ports) => {
    const spec = 'type: ExternalName, externalName: chat.example.com';
    expect(targetsOf(service('chat', ports, 'default', { spec }))).toEqual(['name chat.example.com 80']);
  },
);

test('any other Service without ports has nothing to refer to', () => {
  expect(brief(compile(ROUTE, service('chat', '')).issues)).toEqual([
    'spec.rules[0].backendRefs[0]: Service default/chat has no TCP port 80: its share of the requests is answered with 500',
  ]);
});

test('slices come before externalName and DNS, even when nothing in them is ready', () => {
  const external = service('chat', '{ port: 80 }', 'default', { spec: 'type: ExternalName, externalName: a.com' });
  expect(targetsOf(external, slice())).toEqual(['address 10.0.0.1 9000']);
  const { snapshot, issues } = compile(ROUTE, service(), slice({ endpoints: [] }));
  expect(snapshot.services[0]?.targets).toEqual([]);
  expect(issues).toMatchObject([{ severity: 'warning' }]);
});

test('an FQDN slice gives names', () => {
  expect(targetsOf(service(), slice({ type: 'FQDN', endpoints: ['addresses: [A.example.com]'] }))).toEqual([
    'name a.example.com 9000',
  ]);
});

test.each([
  ['', ['address 10.0.0.1 9000']],
  ['ready: true, serving: true, terminating: false', ['address 10.0.0.1 9000']],
  ['ready: false', []],
  ['ready: false, serving: true', []],
  ['ready: false, serving: false, terminating: true', []],
  ['ready: true, serving: false, terminating: true', []],
  ['ready: false, serving: true, terminating: true', ['address 10.0.0.1 9000 draining']],
  ['ready: false, terminating: true', ['address 10.0.0.1 9000 draining']],
])('an endpoint with conditions { %s }', (conditions, expected) => {
  const endpoints = ['addresses: [10.9.9.9]', `addresses: [10.0.0.1], conditions: { ${conditions} }`];
  expect(targetsOf(service(), slice({ endpoints }))).toEqual(['address 10.9.9.9 9000', ...expected]);
});

test('of two slices the one that says ready is right, in either order', () => {
  const ready = ['addresses: [10.0.0.1]'];
  const draining = ['addresses: [10.0.0.1], conditions: { ready: false, terminating: true }'];
  for (const [a, b] of [
    [ready, draining],
    [draining, ready],
  ] as const) {
    const slices = [slice({ name: 'a', endpoints: a }), slice({ name: 'b', endpoints: b })];
    expect(targetsOf(service(), ...slices)).toEqual(['address 10.0.0.1 9000']);
  }
});

test('a service that only drains has no ready endpoint', () => {
  const endpoints = ['addresses: [10.0.0.1], conditions: { ready: false, terminating: true }'];
  const { issues } = compile(ROUTE, service(), slice({ endpoints }));
  expect(brief(issues)).toEqual([
    'spec.rules[0].backendRefs[0]: Service default/chat has no ready endpoint on port 80: its share of the requests is answered with 503',
  ]);
});

const NAMED = service('chat', '{ port: 80, targetPort: ws }', 'default', { spec: 'selector: { app: chat }' });

test('a named targetPort is a container port of the Deployment that the Service selects', () => {
  const others = [
    deployment('other', 'app: other', '{ name: ws, containerPort: 1 }'),
    deployment('far', 'app: chat', '{ name: ws, containerPort: 2 }').replace('name: far', 'name: far, namespace: far'),
  ];
  const ports =
    '{ name: metrics, containerPort: 9 }, { name: ws, containerPort: 9000 }, { name: ws, containerPort: 3, protocol: UDP }';
  expect(targetsOf(NAMED, ...others, deployment('chat', 'app: chat, tier: web', ports))).toEqual(['name chat 9000']);
});

test('with slices the name of a targetPort is nobody’s question', () => {
  expect(targetsOf(NAMED, slice())).toEqual(['address 10.0.0.1 9000']);
});

test.each([
  [deployment(), 'selector: {}', 'the named port "ws" has no number: the Service has no selector'],
  [
    '',
    'selector: { app: chat }',
    'the named port "ws" has no number: no Deployment of namespace default has pods that the Service selects',
  ],
  [
    deployment('chat', 'app: chat', '{ name: http, containerPort: 9000 }'),
    'selector: { app: chat }',
    'the named port "ws" has no number: no container of Deployment default/chat has a TCP port of that name',
  ],
  [
    documents(deployment('a', 'app: chat', '{ name: ws, containerPort: 9002 }'), deployment('b')),
    'selector: { app: chat }',
    'the named port "ws" has several numbers: 9000, 9002',
  ],
])('a named targetPort without one number is an error', (deployments, spec, message) => {
  const { text, line, column } = marked(service('chat', '{ port: 80, targetPort: §ws }', 'default', { spec }));
  const { issues } = compile(text, ROUTE, deployments === '' ? service('unused') : deployments);
  expect(issues).toMatchObject([
    { severity: 'error', line, column, path: 'spec.ports[0].targetPort', resource: 'Service default/chat', message },
  ]);
});

const FOREIGN = documents(
  gateway({ listeners: ['name: a, port: 80, protocol: HTTP, allowedRoutes: { namespaces: { from: All } }'] }),
  route({ rules: ['backendRefs: [{ name: chat, port: 80 }]'] }),
  route({
    namespace: 'other',
    created: '2026-01-01T00:00:00Z',
    parents: ['name: main, namespace: default'],
    rules: ['backendRefs: [{ name: chat, port: 80 }]'],
  }),
);

test('one bare name in two namespaces is an error without the annotation', () => {
  const { text, line, column } = marked(service('chat', '{ port: 80 }', 'other').replace('name: chat', 'name: §chat'));
  const { issues } = compile(text, FOREIGN, service());
  expect(issues).toMatchObject([
    { severity: 'error', line, column, path: 'metadata.name', resource: 'Service other/chat' },
  ]);
  expect(issues[0]?.message).toBe('"chat" is also the name of Service default/chat, and DNS does not tell them apart');
});

test.each([
  [service('chat', '{ port: 80 }', 'other', { annotations: 'sluice.dev/dns-name: chat.other' })],
  [service('chat', '{ port: 80 }', 'other', { spec: 'type: ExternalName, externalName: chat.example.com' })],
  [documents(service('chat', '{ port: 80 }', 'other'), slice().replace('{ name', '{ namespace: other, name'))],
])('the same name is no conflict when only one of them is found by it', (other) => {
  expect(brief(compile(FOREIGN, service(), other).issues)).toEqual([]);
});

test('a Service that no route uses is not resolved and conflicts with nothing', () => {
  expect(brief(compile(ROUTE, service(), service('chat', '{ port: 80 }', 'other')).issues)).toEqual([]);
});

test.each([
  [{}, slice(), 'its EndpointSlices'],
  [{ spec: 'type: ExternalName, externalName: a.com' }, service('unused'), 'its externalName'],
])('a dns-name that is not read is a warning', (more, other, source) => {
  const annotations = 'sluice.dev/dns-name: §b.com';
  const { text, line, column } = marked(service('chat', '{ port: 80 }', 'default', { ...more, annotations }));
  const message = `is not read: the endpoints come from ${source}`;
  expect(compile(text, ROUTE, other).issues).toMatchObject([{ severity: 'warning', line, column, message }]);
});

test('annotations for live connections become part of the service', () => {
  const annotations =
    'sluice.dev/live-connections: "unhealthy=drain,removed=close", sluice.dev/drain-deadline: 1m, sluice.dev/close-window: 0s';
  const { snapshot } = compile(ROUTE, service('chat', '{ port: 80 }', 'default', { annotations }));
  expect(snapshot.services[0]?.liveConnections).toEqual({
    unhealthy: 'drain',
    draining: 'keep',
    removed: 'close',
    drainDeadlineMs: 60_000,
    closeWindowMs: 0,
  });
  expect(compile(ROUTE, service()).snapshot.services[0]?.liveConnections).toEqual(DEFAULT_LIVE_CONNECTIONS);
});

test('a slice whose port has a name that its Service does not know is a warning, beside one that fits too', () => {
  const strange = slice({ name: 'chat-2', ports: '{ name: web, port: 9000 }' });
  const { issues } = compile(ROUTE, service('chat'), slice({ name: 'chat-1' }), strange);
  expect(brief(issues)).toEqual([
    'ports: has no port that Service default/chat has by name: its endpoints are left out',
  ]);
});
