import { expect, test } from 'vitest';
import { brief, compile, documents, gateway, loadBalancing, marked, route, service } from '../testing/manifests.js';

const PORTS = '{ name: a, port: 80 }, { name: b, port: 81 }';
const ROUTES = documents(
  gateway(),
  route({ rules: ['backendRefs: [{ name: chat, port: 80 }, { name: chat, port: 81 }]'] }),
);
const BASE = documents(ROUTES, service('chat', PORTS));

/** The balancing of ports 80 and 81. */
function balancingOf(...texts: string[]) {
  const { snapshot, issues } = compile(BASE, ...texts);
  expect(brief(issues)).toEqual([]);
  return snapshot.services.map(({ balancing }) => balancing);
}

const ROUND_ROBIN = { strategy: 'round-robin', slowStart: null };
const LOAD_AWARE = {
  strategy: 'load-aware',
  blackoutPeriodMs: 10_000,
  metricExpirationPeriodMs: 180_000,
  errorUtilizationPenalty: 1,
  namedMetrics: [],
};

test.each([
  ['', ROUND_ROBIN],
  ['strategy: round-robin', ROUND_ROBIN],
  ['strategy: least-request', { strategy: 'least-request', slowStart: null }],
  ['strategy: ring-hash', { strategy: 'ring-hash', header: '' }],
  ['strategy: load-aware', LOAD_AWARE],
  ['slowStart: {}', ROUND_ROBIN],
  ['slowStart: { window: 0s, aggression: "2.0", startWeightPercent: 5 }', ROUND_ROBIN],
  [
    'slowStart: { window: 30s }',
    { strategy: 'round-robin', slowStart: { windowMs: 30_000, aggression: 1, startWeightPercent: 10 } },
  ],
  [
    'strategy: least-request, slowStart: { window: 1m, aggression: "0.5", startWeightPercent: 1 }',
    { strategy: 'least-request', slowStart: { windowMs: 60_000, aggression: 0.5, startWeightPercent: 1 } },
  ],
  [
    'strategy: load-aware, loadAware: { blackoutPeriod: 1s, errorUtilizationPenalty: 0, namedMetrics: [gpu_utilization] }',
    { ...LOAD_AWARE, blackoutPeriodMs: 1000, errorUtilizationPenalty: 0, namedMetrics: ['gpu_utilization'] },
  ],
])('loadBalancing { %s }', (spec, expected) => {
  expect(balancingOf(loadBalancing(spec))).toEqual([expected, expected]);
});

test('without a policy it is round-robin', () => expect(balancingOf()).toEqual([ROUND_ROBIN, ROUND_ROBIN]));

test('a targetRef with ports is for those ports alone', () => {
  const one = loadBalancing('strategy: ring-hash', { name: 'one' }, 'name: chat, ports: [{ port: 81 }]');
  const other = loadBalancing('strategy: least-request', { name: 'other' }, 'name: chat, ports: [{ port: 80 }]');
  expect(balancingOf(one).map(({ strategy }) => strategy)).toEqual(['round-robin', 'ring-hash']);
  expect(balancingOf(one, other).map(({ strategy }) => strategy)).toEqual(['least-request', 'ring-hash']);
});

test.each([
  ['name: chat', 'name: chat'],
  ['name: chat', 'name: chat, ports: [{ port: 81 }]'],
  ['name: chat, ports: [{ port: 80 }, { port: 81 }]', 'name: chat, ports: [{ port: 81 }]'],
])('two policies for { %s } and { %s }: the first by name counts', (first, second) => {
  const a = loadBalancing('strategy: ring-hash', { name: 'a' }, first);
  const b = loadBalancing('strategy: round-robin', { name: 'b' }, second);
  const { text, line, column } = marked(b.replace('[{ group', '[§{ group'));
  for (const texts of [
    [text, a],
    [text, BASE, a],
  ]) {
    const { issues } = compile(...texts, ...(texts.length === 2 ? [BASE] : []));
    expect(issues).toMatchObject([{ severity: 'warning', line, column, path: 'spec.targetRefs[0]' }]);
    expect(issues[0]?.message).toBe('Service default/chat already has BackendLoadBalancingPolicy default/a');
  }
});

test('one policy that names a Service twice is the same warning', () => {
  const { issues } = compile(BASE, loadBalancing('strategy: ring-hash', {}, 'name: chat', 'name: chat'));
  expect(brief(issues)).toEqual([
    'spec.targetRefs[1]: Service default/chat already has BackendLoadBalancingPolicy default/policy',
  ]);
});

test.each([
  ['name: §gone', 'name', 'there is no Service default/gone: the policy does nothing'],
  [
    'name: chat, ports: [{ port: 80 }, { port: §82 }]',
    'ports[1].port',
    'Service default/chat has no port 82: the policy does nothing there',
  ],
])('targetRef { %s } is a warning', (target, path, message) => {
  const { text, line, column } = marked(loadBalancing('strategy: ring-hash', {}, target));
  const { issues } = compile(text, BASE);
  expect(issues).toMatchObject([{ severity: 'warning', line, column, path: `spec.targetRefs[0].${path}`, message }]);
});

test('the annotation hash-key says what ring-hash hashes', () => {
  const annotated = service('chat', PORTS, 'default', { annotations: 'sluice.dev/hash-key: "header:X-User"' });
  const { snapshot, issues } = compile(ROUTES, annotated, loadBalancing());
  expect(issues).toEqual([]);
  expect(snapshot.services[0]?.balancing).toEqual({ strategy: 'ring-hash', header: 'x-user' });
});

test('hash-key without ring-hash is an error, attached to a route or not', () => {
  const annotated = service('chat', PORTS, 'default', { annotations: 'sluice.dev/hash-key: §client-address' });
  const { text, line, column } = marked(annotated);
  for (const others of [ROUTES, gateway(), documents(ROUTES, loadBalancing('strategy: least-request'))]) {
    const { issues } = compile(text, others);
    expect(issues).toMatchObject([{ severity: 'error', line, column, message: 'is read only with ring-hash' }]);
    expect(issues[0]?.path).toBe('metadata.annotations["sluice.dev/hash-key"]');
  }
});
