import { expect, test } from 'vitest';
import {
  brief,
  deployment,
  gateway,
  healthCheck,
  marked,
  parse,
  route,
  routePolicy,
  service,
  slice,
} from '../testing/manifests.js';
import { ANNOTATION_PREFIX, ANNOTATIONS, type AnnotatedKind } from './annotations.js';

function read(annotations: string) {
  const { resources, issues } = parse(service('chat', '{ port: 80 }', 'default', { annotations }));
  expect(issues).toEqual([]);
  return resources.services[0]?.annotations;
}

const ALL = (action: string) => ({ unhealthy: action, draining: action, removed: action });

test.each([
  ['sluice.dev/dns-name: Tasks.Chat', { dnsName: 'tasks.chat' }],
  ['sluice.dev/dns-name: my_project-chat-1', { dnsName: 'my_project-chat-1' }],
  ['sluice.dev/hash-key: client-address', { hashHeader: '' }],
  ['sluice.dev/hash-key: "header:X-User"', { hashHeader: 'x-user' }],
  ['sluice.dev/drain-deadline: 1m30s', { drainDeadlineMs: 90_000 }],
  ['sluice.dev/close-window: "0"', { closeWindowMs: 0 }],
  ['sluice.dev/live-connections: keep', { live: ALL('keep') }],
  ['sluice.dev/live-connections: drain', { live: ALL('drain') }],
  ['sluice.dev/live-connections: " close"', { live: ALL('close') }],
  ['sluice.dev/live-connections: removed=close', { live: { removed: 'close' } }],
  [
    'sluice.dev/live-connections: "draining = drain, unhealthy=keep ,removed=close"',
    { live: { unhealthy: 'keep', draining: 'drain', removed: 'close' } },
  ],
  ['example.com/anything: x, sluice.development/x: y, plain: z', {}],
])('%s', (annotations, expected) => expect(read(annotations)).toEqual(expected));

test.each([
  ['dns-name', '§10.0.0.1', '"10.0.0.1" is an IP address'],
  ['dns-name', '§"a b"', '"a b" is not a DNS name'],
  ['dns-name', '§""', '"" is not a DNS name'],
  ['hash-key', '§cookie', '"cookie" is not a hash key'],
  ['hash-key', '§"header:"', '"header:" is not a hash key'],
  ['hash-key', '§"header:a b"', '"header:a b" is not a hash key'],
  ['drain-deadline', '§soon', '"soon" is not a duration'],
  ['drain-deadline', '§25h', '"25h" is out of range'],
  ['close-window', '§-1s', '"-1s" is not a duration'],
  ['close-window', '§5', 'must be a string, not the number 5'],
  ['live-connections', '§kill', '"kill" is not an action for live connections'],
  ['live-connections', '§unhealthy=kill', '"unhealthy=kill" is not an action for live connections'],
  ['live-connections', '§gone=keep', '"gone=keep" is not an action for live connections'],
  ['live-connections', '§removed=keep=close', '"removed=keep=close" is not an action for live connections'],
  [
    'live-connections',
    '§"removed=keep,removed=close"',
    '"removed=keep,removed=close" is not an action for live connections',
  ],
])('sluice.dev/%s: %s is refused', (name, value, message) => {
  const annotations = `sluice.dev/${name}: ${value}`;
  const { text, line, column } = marked(service('chat', '{ port: 80 }', 'default', { annotations }));
  const path = `metadata.annotations["sluice.dev/${name}"]`;
  expect(parse(text).issues).toMatchObject([{ severity: 'error', line, column, path, message }]);
});

test('an annotation of ours that nobody knows is an error at its key, with the known ones', () => {
  const annotations = 'a: b, §sluice.dev/live-connection: keep';
  const { text, line, column } = marked(service('chat', '{ port: 80 }', 'default', { annotations }));
  const { issues } = parse(text);
  expect(issues).toMatchObject([{ severity: 'error', line, column, message: 'unknown annotation' }]);
  expect(issues[0]?.path).toBe('metadata.annotations["sluice.dev/live-connection"]');
  for (const name of ['dns-name', 'hash-key', 'live-connections', 'drain-deadline', 'close-window']) {
    expect(issues[0]?.hint).toContain(`sluice.dev/${name}`);
  }
});

/** Of each kind a manifest with these annotations, a flow mapping without braces. */
function annotated(manifest: string, annotations: string): string {
  return manifest.replace('metadata: {', `metadata: { annotations: { ${annotations} },`);
}

test.each([gateway(), route(), healthCheck(), slice(), deployment(), routePolicy('default: {}')])(
  'an annotation of ours on a kind that does not have it is an error at its key, with the kind that has',
  (manifest) => {
    const { text, line, column } = marked(annotated(manifest, 'a: 1, §sluice.dev/dns-name: b'));
    const message = 'is not read on this kind';
    expect(parse(text).issues).toMatchObject([
      { severity: 'error', line, column, message, hint: 'it belongs to Service' },
    ]);
  },
);

test('an annotation of several kinds names them all; a kind without any says so', () => {
  const [drain] = parse(annotated(slice(), 'sluice.dev/drain-deadline: 1m')).issues;
  expect(drain?.hint).toBe('it belongs to Gateway, HTTPRoute, Service');
  const [unknown] = parse(annotated(slice(), 'sluice.dev/drain: 1m')).issues;
  expect(unknown).toMatchObject({ message: 'unknown annotation', hint: 'this kind has none of Sluice' });
});

test.each([
  ['sluice.dev/idle-timeout: 1h', { idleTimeoutMs: 3_600_000 }],
  ['sluice.dev/idle-timeout: off', { idleTimeoutMs: 0 }],
  ['sluice.dev/lifetime: 0s', { lifetimeMs: 0 }],
  ['sluice.dev/lifetime: 24h, sluice.dev/lifetime-jitter: 10%', { lifetimeMs: 86_400_000, lifetimeJitter: 0.1 }],
  ['sluice.dev/lifetime-jitter: "0.25"', { lifetimeJitter: 0.25 }],
  ['sluice.dev/lifetime-jitter: 100%', { lifetimeJitter: 1 }],
  ['sluice.dev/connect-timeout: 500ms', { connectTimeoutMs: 500 }],
  ['sluice.dev/allowed-origins: "*"', { allowedOrigins: ['*'] }],
  [
    'sluice.dev/allowed-origins: "same, https://Chat.example.com, http://*.example.com:8080,same"',
    { allowedOrigins: ['same', 'https://chat.example.com', 'http://*.example.com:8080'] },
  ],
  [
    'sluice.dev/allowed-origins: same, sluice.dev/absent-origin: allow',
    { allowedOrigins: ['same'], absentOrigin: 'allow' },
  ],
  [
    'sluice.dev/live-connections: drain, sluice.dev/drain-deadline: 1m, sluice.dev/close-window: 0s',
    { liveConnections: 'drain', drainDeadlineMs: 60_000, closeWindowMs: 0 },
  ],
])('HTTPRoute: %s', (annotations, expected) => {
  const { resources, issues } = parse(annotated(route(), annotations));
  expect(issues).toEqual([]);
  expect(resources.httpRoutes[0]?.annotations).toEqual(expected);
});

test.each([
  ['idle-timeout', 'never', '"never" is not a duration'],
  ['lifetime', '366d', '"366d" is not a duration'],
  ['lifetime', '9000h', '"9000h" is out of range'],
  ['lifetime-jitter', '101%', '"101%" is out of range'],
  ['lifetime-jitter', '"1.5"', '"1.5" is out of range'],
  ['lifetime-jitter', 'ten', '"ten" is not a share'],
  ['lifetime-jitter', '-1%', '"-1%" is not a share'],
  ['connect-timeout', 'off', '"off" is not a duration'],
  ['connect-timeout', '0s', '"0s" is out of range'],
  ['allowed-origins', '""', '"" is not an origin'],
  ['allowed-origins', 'chat.example.com', '"chat.example.com" is not an origin'],
  ['allowed-origins', 'https://a.com/path', '"https://a.com/path" is not an origin'],
  ['allowed-origins', 'https://a.com:99999', '"https://a.com:99999" is not an origin'],
  ['allowed-origins', 'https://a.*.com', '"https://a.*.com" is not an origin'],
  ['allowed-origins', '"*, same"', '"*" must stand alone'],
  ['live-connections', 'removed=close', '"removed=close" is not a value of this annotation'],
  ['absent-origin', 'allow', 'has no meaning alone'],
])('HTTPRoute: sluice.dev/%s: %s is refused', (name, value, message) => {
  const { text, line, column } = marked(annotated(route(), `sluice.dev/${name}: §${value}`));
  const path = `metadata.annotations["sluice.dev/${name}"]`;
  expect(parse(text).issues).toMatchObject([{ severity: 'error', line, column, path, message }]);
});

test('Gateway: who sends PROXY headers, and whose x-forwarded-for is believed', () => {
  const annotations =
    'sluice.dev/proxy-protocol: "10.0.0.0/8, 192.0.2.10,2001:DB8::/32, 10.0.0.0/8", sluice.dev/trusted-proxies: "0.0.0.0/0, ::/0"';
  const { resources, issues } = parse(annotated(gateway(), annotations));
  expect(issues).toEqual([]);
  expect(resources.gateways[0]?.annotations).toEqual({
    proxyProtocol: ['10.0.0.0/8', '192.0.2.10/32', '2001:db8::/32'],
    trustedProxies: ['0.0.0.0/0', '::/0'],
  });
});

test.each([
  ['""', '"" is not an address or a range of them'],
  ['10.0.0.0/8,', '"" is not an address or a range of them'],
  ['the-balancer', '"the-balancer" is not an address or a range of them'],
  ['"10.0.0.0/8, 10.1.2.3/16"', '"10.1.2.3/16" has bits behind its prefix'],
  [Array.from({ length: 257 }, (_, n) => `10.0.${n >> 8}.${n & 255}`).join(' ,'), 'has more than 256 ranges'],
])('Gateway: sluice.dev/proxy-protocol: %s is refused', (value, message) => {
  const text = value.startsWith('"') ? value : JSON.stringify(value);
  const { issues } = parse(annotated(gateway(), `sluice.dev/proxy-protocol: ${text}`));
  expect(issues).toMatchObject([{ severity: 'error', message }]);
});

test('Gateway: paths and what becomes of the connections of its listeners', () => {
  const { resources, issues } = parse(
    annotated(
      gateway(),
      'sluice.dev/paths: normalise, sluice.dev/live-connections: close, sluice.dev/close-window: 1m',
    ),
  );
  expect(issues).toEqual([]);
  expect(resources.gateways[0]?.annotations).toEqual({
    paths: 'normalise',
    liveConnections: 'close',
    closeWindowMs: 60_000,
  });
  expect(brief(parse(annotated(gateway(), 'sluice.dev/paths: normalize')).issues)).toEqual([
    'metadata.annotations["sluice.dev/paths"]: "normalize" is not a value of this annotation',
  ]);
});

test.each([
  '"{ host: chat.example.com, path: /ws, ping: true, headers: [{ name: x-probe, value: a }] }"',
  `'{"host":"chat.example.com","path":"/ws","ping":true,"headers":[{"name":"x-probe","value":"a"}]}'`,
])('HealthCheckPolicy: the probe as text %s is an override and the only check', (probe) => {
  const spec =
    'default: { interval: 5s, http: { path: /a } }, override: { protocol: HTTPS, useTLS: true, http: { path: / } }';
  const { resources, issues } = parse(annotated(healthCheck(spec), `sluice.dev/websocket-probe: ${probe}`));
  expect(issues).toEqual([]);
  const websocket = { host: 'chat.example.com', path: '/ws', ping: true, headers: [{ name: 'x-probe', value: 'a' }] };
  expect(resources.healthCheckPolicies[0]?.spec.override).toEqual({ useTLS: true, websocket });
  expect(resources.healthCheckPolicies[0]?.spec.default).toEqual({ interval: 5000, http: { path: '/a' } });
});

test.each([
  ['yes', 'a mapping is expected'],
  ['"{"', 'a mapping is expected'],
  ['"&a [*a]"', 'a mapping is expected'],
  ['"{ path: x }"', 'path: is not an absolute path'],
  ['"{ ping: maybe }"', 'ping: must be a boolean'],
  ['"{ paht: / }"', 'unknown field paht'],
  ['"{ headers: [{ name: Host, value: a }] }"', 'headers.0.name: is a field that the probe sets itself'],
])('HealthCheckPolicy: the probe %s is refused', (probe, reason) => {
  const { text, line, column } = marked(annotated(healthCheck(), `sluice.dev/websocket-probe: §${probe}`));
  const message = `holds no WebSocket probe: ${reason}`;
  expect(parse(text).issues).toMatchObject([{ severity: 'error', line, column, message }]);
});

test('every annotation is written for people: form, default, one line; and has one field name in a kind', () => {
  for (const kind of Object.keys(ANNOTATIONS) as AnnotatedKind[]) {
    const entries = Object.values(ANNOTATIONS[kind]);
    expect(new Set(entries.map(({ key }) => key)).size).toBe(entries.length);
    for (const { key, value, default: absent, doc } of entries) {
      expect(key).toMatch(/^sluice\.dev\/[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/);
      expect(key.startsWith(ANNOTATION_PREFIX)).toBe(true);
      for (const text of [value.form, absent, doc]) expect(text).toMatch(/^\S[^\n]*\S$/);
    }
  }
});
