import { expect, test } from 'vitest';
import {
  brief,
  compile,
  documents,
  gateway,
  healthCheck,
  marked,
  route,
  service,
  slice,
} from '../testing/manifests.js';
import { DEFAULT_PROBE, type ProbeSnapshot } from './service-policy.js';

const BASE = documents(
  gateway(),
  route({ rules: ['backendRefs: [{ name: chat, port: 80 }]'] }),
  service('chat', '{ port: 80, targetPort: 9000 }'),
  slice(),
);

function probeOf(spec: string): ProbeSnapshot | undefined {
  const { snapshot, issues } = compile(BASE, healthCheck(spec));
  expect(brief(issues)).toEqual([]);
  return snapshot.services[0]?.probe;
}

const HTTP = { type: 'http', host: 'localhost', path: '/', statuses: [{ start: 200, end: 399 }] };
const WEBSOCKET = { type: 'websocket', host: 'localhost', path: '/', subprotocol: '', headers: [], ping: false };

test('without a policy the probe is the default one', () => {
  const { snapshot } = compile(BASE);
  expect(snapshot.services[0]?.probe).toEqual({
    policy: '',
    intervalMs: 5000,
    timeoutMs: 30_000,
    healthyThreshold: 1,
    unhealthyThreshold: 3,
    port: 0,
    tls: false,
    check: HTTP,
  });
});

test('what a policy does not say is as in the default probe', () => {
  expect(probeOf('default: {}')).toEqual({ ...DEFAULT_PROBE, policy: 'default/policy' });
});

test("the reference documentation's example", () => {
  const config =
    'interval: 5s, timeout: 3s, healthyThreshold: 1, unhealthyThreshold: 1, port: 8123, ' +
    'http: { host: contoso.com, path: /, match: { statusCodes: [{ start: 200, end: 299 }] } }, useTLS: true';
  expect(probeOf(`default: { ${config} }`)).toEqual({
    policy: 'default/policy',
    intervalMs: 5000,
    timeoutMs: 3000,
    healthyThreshold: 1,
    unhealthyThreshold: 1,
    port: 8123,
    tls: true,
    check: { type: 'http', host: 'contoso.com', path: '/', statuses: [{ start: 200, end: 299 }] },
  });
});

test.each([
  ['protocol: HTTP', HTTP],
  ['protocol: TCP', { type: 'tcp' }],
  ['grpc: {}', { type: 'grpc', authority: 'localhost', service: '' }],
  ['grpc: { authority: a.com, service: chat.v1 }', { type: 'grpc', authority: 'a.com', service: 'chat.v1' }],
  ['protocol: WebSocket', WEBSOCKET],
  ['websocket: { path: /ws }', { ...WEBSOCKET, path: '/ws' }],
  [
    'protocol: WebSocket, websocket: { host: a.com, subprotocol: v1, headers: [{ name: K, value: v }], ping: true }',
    { ...WEBSOCKET, host: 'a.com', subprotocol: 'v1', headers: [['K', 'v']], ping: true },
  ],
])('%s is the check', (config, check) => expect(probeOf(`default: { ${config} }`)?.check).toEqual(check));

test.each([
  ['default: {}', false],
  ['default: { port: 8123 }', false],
  ['default: { useTLS: true }', true],
  ['default: { protocol: HTTP, useTLS: true }', true],
  ['default: { protocol: HTTPS }', true],
  ['default: { protocol: HTTPS, grpc: {} }', true],
  ['default: { protocol: WebSocket, useTLS: true }', true],
  ['default: { protocol: HTTPS }, override: { useTLS: false }', false],
  ['default: { useTLS: false }, override: { protocol: HTTPS }', true],
  ['default: { useTLS: true }, override: { protocol: TCP }', false],
])('%s: TLS is %s', (spec, tls) => expect(probeOf(spec)?.tls).toBe(tls));

test('override wins field by field', () => {
  const base =
    'interval: 1s, timeout: 2s, http: { host: a.com, path: /a, match: { statusCodes: [{ start: 200, end: 200 }] } }';
  const over = 'timeout: 500ms, port: 81, http: { path: /b }';
  expect(probeOf(`default: { ${base} }, override: { ${over} }`)).toMatchObject({
    intervalMs: 1000,
    timeoutMs: 500,
    port: 81,
    check: { type: 'http', host: 'a.com', path: '/b', statuses: [{ start: 200, end: 200 }] },
  });
});

test.each([
  ['default: { http: { path: /a } }, override: { protocol: TCP }', { type: 'tcp' }],
  ['default: { http: { path: /a } }, override: { protocol: WebSocket }', WEBSOCKET],
  [
    'default: { websocket: { path: /ws } }, override: { websocket: { ping: true } }',
    { ...WEBSOCKET, path: '/ws', ping: true },
  ],
  ['default: { protocol: TCP }, override: { http: {} }', HTTP],
  ['override: { grpc: {} }', { type: 'grpc', authority: 'localhost', service: '' }],
])('what override says of the kind decides it: %s', (spec, check) => expect(probeOf(spec)?.check).toEqual(check));

test('a WebSocket probe in the annotation is the check, whatever the policy says beside it', () => {
  const annotations = 'sluice.dev/websocket-probe: "{ path: /ws, ping: true }"';
  const text = healthCheck('default: { interval: 1s, http: { path: /health } }', { annotations });
  const { snapshot, issues } = compile(BASE, text);
  expect(issues).toEqual([]);
  expect(snapshot.services[0]?.probe).toMatchObject({
    intervalMs: 1000,
    check: { ...WEBSOCKET, path: '/ws', ping: true },
  });
});

test('a policy may name its own namespace', () => {
  const { snapshot, issues } = compile(BASE, healthCheck('default: {}', {}, 'name: chat, namespace: default'));
  expect(issues).toEqual([]);
  expect(snapshot.services[0]?.probe.policy).toBe('default/policy');
});

test('of two policies for one Service the first by name counts, whatever the order of the files', () => {
  const a = healthCheck('default: { protocol: TCP }', { name: 'a' });
  const { text, line, column } = marked(
    healthCheck('default: {}', { name: 'b' }).replace('targetRef: {', 'targetRef: §{'),
  );
  const { snapshot, issues } = compile(text, a, BASE);
  expect(issues).toMatchObject([
    { severity: 'warning', line, column, path: 'spec.targetRef', resource: 'HealthCheckPolicy default/b' },
  ]);
  expect(issues[0]?.message).toBe('Service default/chat already has HealthCheckPolicy default/a');
  expect(snapshot.services[0]?.probe.policy).toBe('default/a');
});
