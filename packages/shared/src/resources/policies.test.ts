import { expect, test } from 'vitest';
import { brief, deployment, healthCheck, loadBalancing, marked, parse, routePolicy } from '../testing/manifests.js';

const NOT_YET = 'not supported yet';

/** The one issue of a text must be an error at its `§`. */
function expectError(marking: string, path: string, message: string): void {
  const { text, line, column } = marked(marking);
  expect(parse(text).issues).toMatchObject([{ severity: 'error', line, column, path, message }]);
}

test.each([
  'interval: 5s, timeout: 3s, healthyThreshold: 1, unhealthyThreshold: 1, port: 8123, useTLS: true',
  'http: { host: contoso.com, path: /, match: { statusCodes: [{ start: 200, end: 299 }] } }, useTLS: true',
  'interval: 5, timeout: "3"',
  'protocol: HTTP, http: { host: "[::1]:80", path: "/health?deep=1%20" }, useTLS: true',
  'protocol: HTTPS, grpc: {}',
  'grpc: { authority: chat.example.com, service: chat.v1.Chat }',
  'protocol: TCP, useTLS: false',
  'protocol: WebSocket',
  'websocket: { host: a.com, path: /ws, subprotocol: chat.v1, headers: [{ name: X-Key, value: "a b" }], ping: true }',
])('HealthCheckPolicy with %s', (config) => {
  for (const part of ['default', 'override']) {
    expect(brief(parse(healthCheck(`${part}: { ${config} }`)).issues)).toEqual([]);
  }
});

test.each([
  ['interval: §5x', 'interval', '"5x" is not a duration'],
  ['interval: §1.5s', 'interval', '"1.5s" is not a duration'],
  ['interval: §0s', 'interval', '"0s" is out of range'],
  ['interval: §25h', 'interval', '"25h" is out of range'],
  ['timeout: §0', 'timeout', '0 is out of range'],
  ['timeout: §true', 'timeout', 'is not a duration'],
  ['healthyThreshold: §0', 'healthyThreshold', '0 is out of range'],
  ['unhealthyThreshold: §1001', 'unhealthyThreshold', '1001 is out of range'],
  ['unhealthyThreshold: §1.5', 'unhealthyThreshold', 'must be a whole number, not the number 1.5'],
  ['port: §0', 'port', '0 is not a port'],
  ['port: §ws', 'port', 'must be a number, not the string "ws"'],
  ['protocol: §websocket', 'protocol', '"websocket" is not a value of this field'],
  ['useTLS: §"yes"', 'useTLS', 'must be a boolean, not the string "yes"'],
  ['§intervall: 1s', 'intervall', 'unknown field'],
  ['http: { host: §"a b" }', 'http.host', '"a b" is not a host'],
  ['http: { host: §"a/b" }', 'http.host', '"a/b" is not a host'],
  ['http: { path: §health }', 'http.path', '"health" is not an absolute path'],
  ['http: { path: §"/a b" }', 'http.path', '"/a b" contains a character that no path has'],
  ['http: { path: §"/a\\r\\nb" }', 'http.path', '"/a\\r\\nb" contains a character that no path has'],
  ['http: { path: §"/a#b" }', 'http.path', '"/a#b" contains a character that no path has'],
  ['http: { match: { §body: ok } }', 'http.match.body', NOT_YET],
  ['http: { match: { statusCodes: §[] } }', 'http.match.statusCodes', 'must have at least one range'],
  [
    'http: { match: { statusCodes: [{ start: §99, end: 200 }] } }',
    'http.match.statusCodes[0].start',
    '99 is out of range',
  ],
  [
    'http: { match: { statusCodes: [{ start: 300, end: §299 }] } }',
    'http.match.statusCodes[0].end',
    '299 is less than start',
  ],
  ['websocket: { path: §ws }', 'websocket.path', '"ws" is not an absolute path'],
  ['websocket: { subprotocol: §"a, b" }', 'websocket.subprotocol', '"a, b" is not a token'],
  ['websocket: { ping: §1s }', 'websocket.ping', 'must be a boolean, not the string "1s"'],
  [
    'websocket: { headers: [{ name: §Host, value: a }] }',
    'websocket.headers[0].name',
    '"Host" is a field that the probe sets itself',
  ],
  [
    'websocket: { headers: [{ name: §Sec-WebSocket-Key, value: a }] }',
    'websocket.headers[0].name',
    '"Sec-WebSocket-Key" is a field that the probe sets itself',
  ],
  [
    'websocket: { headers: [{ name: a, value: §"b\\r\\nc: d" }] }',
    'websocket.headers[0].value',
    '"b\\r\\nc: d" is not the value of a header field',
  ],
  ['grpc: { service: §"a/b" }', 'grpc.service', '"a/b" is not the name of a gRPC service'],
  ['http: {}, grpc: §{}', 'grpc', 'cannot stand beside http'],
  ['http: {}, websocket: §{}', 'websocket', 'cannot stand beside http'],
  ['protocol: TCP, http: §{}', 'http', 'is not read with protocol: TCP'],
  ['protocol: WebSocket, http: §{}', 'http', 'is not read with protocol: WebSocket'],
  ['protocol: HTTP, websocket: §{}', 'websocket', 'is not read with protocol: HTTP'],
  ['protocol: TCP, grpc: §{}', 'grpc', 'is not read with protocol: TCP'],
  ['protocol: TCP, useTLS: §true', 'useTLS', 'is not read with protocol: TCP'],
  ['protocol: HTTPS, useTLS: §false', 'useTLS', 'contradicts protocol: HTTPS'],
])('HealthCheckPolicy with %s is refused', (config, path, message) => {
  expectError(healthCheck(`default: { ${config} }`), `spec.default.${path}`, message);
  expectError(healthCheck(`override: { ${config} }`), `spec.override.${path}`, message);
});

test.each([
  ['name: §Chat', 'name', '"Chat" is not a valid name'],
  ['name: chat, §port: 80', 'port', 'unknown field'],
  ['name: chat, §sectionName: ws', 'sectionName', NOT_YET],
])('targetRef { %s }', (target, path, message) => {
  expectError(healthCheck('default: {}', {}, target), `spec.targetRef.${path}`, message);
  expectError(routePolicy('default: {}', {}, target), `spec.targetRef.${path}`, message);
  expectError(loadBalancing('strategy: ring-hash', {}, target), `spec.targetRefs[0].${path}`, message);
});

test.each([
  ['kind: Service', 'kind: §Gateway', 'kind', '"Gateway" is not a value of this field'],
  ['group: ""', 'group: §apps', 'group', '"apps" is not a value of this field'],
])('a target that is no Service: %s as %s', (from, to, path, message) => {
  expectError(healthCheck().replace(from, to), `spec.targetRef.${path}`, message);
});

test('a RoutePolicy may name the group of HTTPRoute as the reference documentation does', () => {
  expect(parse(routePolicy('default: {}').replace('group: gateway.networking.k8s.io', 'group: ""')).issues).toEqual([]);
});

test('a policy without a target is refused', () => {
  const text = healthCheck().replace(/targetRef: \{.*?\}, /, '');
  expect(brief(parse(text).issues)).toEqual(['spec.targetRef: is required']);
});

test.each([
  ['strategy: §random', 'strategy', '"random" is not a value of this field'],
  ['§strateg: ring-hash', 'strateg', 'unknown field'],
  ['strategy: ring-hash, slowStart: §{}', 'slowStart', 'is not read with strategy: ring-hash'],
  ['strategy: load-aware, slowStart: §{}', 'slowStart', 'is not read with strategy: load-aware'],
  ['strategy: round-robin, loadAware: §{}', 'loadAware', 'is not read with strategy: round-robin'],
  ['slowStart: { window: §-1s }', 'slowStart.window', '"-1s" is not a duration'],
  ['slowStart: { aggression: §"0" }', 'slowStart.aggression', '"0" is not a value of this field'],
  ['slowStart: { aggression: §fast }', 'slowStart.aggression', '"fast" is not a value of this field'],
  ['slowStart: { startWeightPercent: §101 }', 'slowStart.startWeightPercent', '101 is out of range'],
  ['slowStart: { startWeightPercent: §0 }', 'slowStart.startWeightPercent', '0 is out of range'],
  [
    'strategy: load-aware, loadAware: { errorUtilizationPenalty: §"-1" }',
    'loadAware.errorUtilizationPenalty',
    '"-1" is not a value of this field',
  ],
  [
    'strategy: load-aware, loadAware: { metricExpirationPeriod: §0s }',
    'loadAware.metricExpirationPeriod',
    '"0s" is out of range',
  ],
  [
    'strategy: load-aware, loadAware: { namedMetrics: [§"a b"] }',
    'loadAware.namedMetrics[0]',
    '"a b" is not the name of a metric',
  ],
])('loadBalancing { %s } is refused', (spec, path, message) => {
  expectError(loadBalancing(spec), `spec.loadBalancing.${path}`, message);
});

test('a BackendLoadBalancingPolicy needs a target', () => {
  const text = loadBalancing().replace(/targetRefs: \[.*?\],/, 'targetRefs: [],');
  expect(brief(parse(text).issues)).toEqual(['spec.targetRefs: must have at least one target']);
});

test.each([
  ['timeouts: { routeTimeout: §25h }', 'timeouts.routeTimeout', '"25h" is out of range'],
  [
    'sessionAffinity: { affinityType: §cookie }',
    'sessionAffinity.affinityType',
    '"cookie" is not a value of this field',
  ],
  ['sessionAffinity: { cookieName: §"a b" }', 'sessionAffinity.cookieName', '"a b" is not a token'],
  ['sessionAffinity: { cookieName: §"a;b" }', 'sessionAffinity.cookieName', '"a;b" is not a token'],
  ['sessionAffinity: { cookieDuration: §0s }', 'sessionAffinity.cookieDuration', '"0s" is out of range'],
  ['§sessionaffinity: {}', 'sessionaffinity', 'unknown field'],
])('RoutePolicy with %s is refused', (config, path, message) => {
  expectError(routePolicy(`default: { ${config} }`), `spec.default.${path}`, message);
});

test('of a Deployment only labels and container ports are read', () => {
  const { resources, issues } = parse(deployment().replace('image: chat', 'image: chat, resources: { wat: 1 }'));
  expect(issues).toEqual([]);
  expect(resources.deployments[0]?.spec.template).toEqual({
    metadata: { labels: { app: 'chat' } },
    spec: { containers: [{ ports: [{ name: 'ws', containerPort: 9000, protocol: 'TCP' }] }] },
  });
  expectError(
    deployment('chat', 'app: chat', '{ containerPort: §0 }'),
    'spec.template.spec.containers[0].ports[0].containerPort',
    '0 is not a port',
  );
});
