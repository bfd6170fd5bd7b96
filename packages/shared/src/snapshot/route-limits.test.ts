import { expect, test } from 'vitest';
import { compile, documents, gateway, route, routePolicy, service } from '../testing/manifests.js';
import { conditionsOf } from '../testing/statuses.js';
import { DEFAULT_LIMITS } from './rule-policy.js';
import { DEFAULT_REMOVAL } from './service-policy.js';

const BACKEND = 'backendRefs: [{ name: chat, port: 80 }]';

function compiled(annotations?: string, rule = BACKEND, ...more: string[]) {
  const routes = route({ rules: [rule], ...(annotations !== undefined && { annotations }) });
  return compile(documents(gateway(), routes, service()), ...more);
}

test('a route that says nothing has the limits of the process, and keeps its connections', () => {
  const { snapshot } = compiled();
  expect(snapshot.rules[0]).toMatchObject({ limits: DEFAULT_LIMITS, origins: null });
  expect(snapshot.routes[0]?.removal).toEqual(DEFAULT_REMOVAL);
  expect(snapshot.listeners[0]).toMatchObject({ removal: DEFAULT_REMOVAL, normalisePaths: false, http2: false });
});

test.each([
  ['sluice.dev/idle-timeout: 90s', { idleMs: 90_000 }],
  ['sluice.dev/idle-timeout: "off"', { idleMs: 0 }],
  ['sluice.dev/lifetime: 1h, sluice.dev/lifetime-jitter: 10%', { lifetimeMs: 3_600_000, lifetimeJitter: 0.1 }],
  ['sluice.dev/connect-timeout: 500ms', { connectMs: 500 }],
])('%s', (annotations, limits) => {
  expect(compiled(annotations).snapshot.rules[0]?.limits).toEqual({ ...DEFAULT_LIMITS, ...limits });
});

test('timeouts of a rule are its own', () => {
  const { snapshot } = compiled(undefined, `timeouts: { request: 2s, backendRequest: 500ms }, ${BACKEND}`);
  expect(snapshot.rules[0]?.limits).toEqual({ ...DEFAULT_LIMITS, requestMs: 2000, backendRequestMs: 500 });
});

const RULE_TIMEOUT = 'timeouts: { request: 2s }, ';
const BASE = 'default: { timeouts: { routeTimeout: 10s } }';
const OVER = 'override: { timeouts: { routeTimeout: 5s } }';
const CONFLICT = 'Accepted True AcceptedWithTimeoutConflict';

test.each([
  ['', BASE, 10_000, 'Accepted True Accepted'],
  ['', OVER, 5000, 'Accepted True Accepted'],
  ['', `${BASE}, ${OVER}`, 5000, 'Accepted True Accepted'],
  [RULE_TIMEOUT, 'default: {}', 2000, 'Accepted True Accepted'],
  [RULE_TIMEOUT, BASE, 2000, CONFLICT],
  [RULE_TIMEOUT, OVER, 5000, CONFLICT],
  ['timeouts: { request: 0s }, ', BASE, 0, CONFLICT],
  [RULE_TIMEOUT, 'override: { timeouts: { routeTimeout: 0s } }', 0, CONFLICT],
])('a rule with { %s } and a RoutePolicy with { %s }: %d ms', (timeouts, spec, requestMs, accepted) => {
  const result = compiled(undefined, timeouts + BACKEND, routePolicy(spec));
  expect(result.issues).toEqual([]);
  expect(result.snapshot.rules[0]?.limits).toEqual({ ...DEFAULT_LIMITS, requestMs });
  expect(conditionsOf(result, 'RoutePolicy', 'policy')).toEqual([accepted, 'ResolvedRefs True ResolvedRefs']);
});

test.each([
  ['sluice.dev/allowed-origins: "https://A.com, same"', { allow: ['https://a.com', 'same'], absent: false }],
  ['sluice.dev/allowed-origins: "*", sluice.dev/absent-origin: allow', { allow: ['*'], absent: true }],
  ['sluice.dev/allowed-origins: "*", sluice.dev/absent-origin: deny', { allow: ['*'], absent: false }],
])('%s is who may open a WebSocket', (annotations, origins) => {
  expect(compiled(annotations).snapshot.rules[0]?.origins).toEqual(origins);
});

const REMOVAL = 'sluice.dev/live-connections: drain, sluice.dev/drain-deadline: 1m, sluice.dev/close-window: 0s';

test('a route says what becomes of its connections', () => {
  const { snapshot } = compiled(REMOVAL);
  expect(snapshot.routes[0]?.removal).toEqual({ action: 'drain', drainDeadlineMs: 60_000, closeWindowMs: 0 });
  expect(snapshot.listeners[0]?.removal).toEqual(DEFAULT_REMOVAL);
});

test('a Gateway says what becomes of those of its listeners, and how paths are read', () => {
  const annotations = 'sluice.dev/live-connections: close, sluice.dev/paths: normalise, sluice.dev/h2c: "on"';
  const { snapshot } = compile(documents(gateway({ annotations }), route({ rules: [BACKEND] }), service()));
  expect(snapshot.listeners[0]).toMatchObject({
    removal: { ...DEFAULT_REMOVAL, action: 'close' },
    normalisePaths: true,
    http2: true,
  });
  expect(snapshot.routes[0]?.removal).toEqual(DEFAULT_REMOVAL);
});
