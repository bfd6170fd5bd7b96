import { expect, test } from 'vitest';
import { brief, gateway, marked, parse } from '../testing/manifests.js';

const LISTENER = 'name: http, port: 80, protocol: HTTP';

test('a listener has defaults where the standard has them', () => {
  const [found] = parse(gateway()).resources.gateways;
  expect(found?.spec.listeners).toEqual([
    { name: 'http', port: 80, protocol: 'HTTP', allowedRoutes: { namespaces: { from: 'Same' } } },
  ]);
});

test.each([
  'hostname: "*.example.com"',
  'hostname: chat.example.com',
  'allowedRoutes: {}',
  'allowedRoutes: { namespaces: {} }',
  'allowedRoutes: { namespaces: { from: All } }',
  'allowedRoutes: { namespaces: { from: None } }',
  'allowedRoutes: { namespaces: { from: Selector, selector: {} } }',
  'allowedRoutes: { namespaces: { from: Selector, selector: { matchExpressions: [{ key: a, operator: DoesNotExist }] } } }',
  'allowedRoutes: { kinds: [{ kind: GRPCRoute }, { group: example.com, kind: Mine }] }',
  'allowedRoutes: { kinds: [{ kind: HTTPRoute }] }',
  'allowedRoutes: { kinds: [{ group: gateway.networking.k8s.io, kind: HTTPRoute }] }',
])('a listener may have %s', (more) => {
  expect(parse(gateway({ listeners: [`${LISTENER}, ${more}`] })).issues).toEqual([]);
});

const NOT_YET = 'not supported yet';

test.each([
  [
    `${LISTENER}, §tls: { certificateRefs: [{ name: a }] }`.replace('§tls: ', 'tls: §'),
    'tls',
    'must not be there with protocol: HTTP',
  ],
  [
    'name: a, port: 443, protocol: HTTPS, tls: §{}',
    'tls.certificateRefs',
    'must name at least one Secret with mode: Terminate',
  ],
  [
    'name: a, port: 443, protocol: HTTPS, tls: { options: { a: b }, §frontendValidation: {} }',
    'tls.frontendValidation',
    NOT_YET,
  ],
  [
    'name: a, port: 443, protocol: HTTPS, tls: { mode: §Offload, options: { a: b } }',
    'tls.mode',
    '"Offload" is not a value of this field',
  ],
  ['name: a, port: 443, protocol: §""', 'protocol', '"" is not a protocol'],
  [
    `${LISTENER}, allowedRoutes: { namespaces: §{ from: Selector } }`,
    'allowedRoutes.namespaces.selector',
    'is required with from: Selector',
  ],
  [
    `${LISTENER}, allowedRoutes: { namespaces: { from: §Any } }`,
    'allowedRoutes.namespaces.from',
    '"Any" is not a value of this field',
  ],
  [
    `${LISTENER}, allowedRoutes: { namespaces: { selector: { matchExpressions: [§{ key: a, operator: In }] } } }`,
    'allowedRoutes.namespaces.selector.matchExpressions[0].values',
    'must have at least one value with operator: In',
  ],
  [
    `${LISTENER}, allowedRoutes: { namespaces: { selector: { matchExpressions: [{ key: a, operator: Exists, values: §[b] }] } } }`,
    'allowedRoutes.namespaces.selector.matchExpressions[0].values',
    'has no meaning with operator: Exists',
  ],
  [`${LISTENER}, §hostName: a`, 'hostName', 'unknown field'],
  [`${LISTENER}, hostname: §"*"`, 'hostname', '"*" is not a hostname'],
  [`${LISTENER}, hostname: §"a.*.com"`, 'hostname', '"a.*.com" is not a hostname'],
  [`${LISTENER}, hostname: §Chat.example.com`, 'hostname', '"Chat.example.com" is not a hostname'],
  [`${LISTENER}, hostname: §10.0.0.1`, 'hostname', '"10.0.0.1" is an IP address'],
  [`${LISTENER}, hostname: §"a.com:80"`, 'hostname', '"a.com:80" is not a hostname'],
  ['name: a, protocol: HTTP, port: §0', 'port', '0 is not a port'],
  ['name: a, protocol: HTTP, port: §65536', 'port', '65536 is not a port'],
  ['name: a, protocol: HTTP, port: §"80"', 'port', 'must be a number, not the string "80"'],
  ['name: a, protocol: HTTP, port: §80.5', 'port', 'must be a whole number, not the number 80.5'],
  ['name: §A b, protocol: HTTP, port: 80', 'name', '"A b" is not a valid name'],
  ['§protocol: HTTP, port: 80', 'name', 'is required'],
  ['name: a, port: 80', 'protocol', 'is required'],
])('listener { %s }', (listener, path, message) => {
  // What is missing has the place of the mapping that it is missing from.
  const source = gateway({ listeners: [listener.replace('§', '')] });
  const place = message === 'is required' ? source.replace('- {', '- §{') : gateway({ listeners: [listener] });
  const { text, line, column } = marked(place);
  expect(parse(text).issues).toMatchObject([
    { severity: 'error', line, column, path: `spec.listeners[0].${path}`, message, resource: 'Gateway default/main' },
  ]);
});

test.each(['tls', 'backendTLS'])('spec.%s is refused, not passed over', (field) => {
  const { text, line, column } = marked(gateway().replace('spec:\n', `spec:\n  §${field}: {}\n`));
  expect(parse(text).issues).toMatchObject([{ line, column, path: `spec.${field}`, message: NOT_YET }]);
  expect(parse(text).resources.gateways).toEqual([]);
});

test.each(['allowedListeners: { namespaces: { from: All } }', 'defaultScope: All', 'defaultScope: 1'])(
  'a field that is not served is taken as it is: %s',
  (field) => {
    const { resources, issues } = parse(gateway().replace('spec:\n', `spec:\n  ${field}\n`));
    expect(issues).toEqual([]);
    expect(resources.gateways).toHaveLength(1);
  },
);

test('a Gateway has at most 64 listeners', () => {
  const listeners = (count: number) =>
    Array.from({ length: count }, (_, index) => `name: l${index}, port: ${index + 1}, protocol: HTTP`);
  expect(parse(gateway({ listeners: listeners(64) })).issues).toEqual([]);
  expect(brief(parse(gateway({ listeners: listeners(65) })).issues)).toEqual([
    'spec.listeners: must have at most 64 entries',
  ]);
});

test.each(['HTTPS', 'hTTp', 'TLS', 'TCP', 'UDP', 'example.com/mine'])(
  'a listener with protocol %s is taken',
  (protocol) => {
    const { resources, issues } = parse(gateway({ listeners: [`name: a, port: 443, protocol: ${protocol}`] }));
    expect(issues).toEqual([]);
    expect(resources.gateways[0]?.spec.listeners[0]?.protocol).toBe(protocol);
  },
);

test('tls of a listener: Secrets in order, in other namespaces too', () => {
  const tls =
    'tls: { mode: Terminate, certificateRefs: [{ kind: Secret, group: "", name: a }, { name: b, namespace: c }] }';
  const { resources, issues } = parse(gateway({ listeners: [`name: a, port: 443, protocol: HTTPS, ${tls}`] }));
  expect(issues).toEqual([]);
  expect(resources.gateways[0]?.spec.listeners[0]?.tls).toEqual({
    mode: 'Terminate',
    certificateRefs: [
      { group: '', kind: 'Secret', name: 'a' },
      { group: '', kind: 'Secret', name: 'b', namespace: 'c' },
    ],
    options: {},
  });
});

test('addresses of any type are taken, infrastructure is looked through', () => {
  const more =
    'addresses: [{ value: 10.0.0.1 }, { type: Hostname, value: a.b }, { type: example.com/frontend, value: $X }]';
  const text = gateway().replace('spec:\n', `spec:\n  ${more}\n  infrastructure: { labels: { a: b } }\n`);
  const { resources, issues } = parse(text);
  expect(issues).toEqual([]);
  expect(resources.gateways[0]?.spec.addresses).toMatchObject([
    { type: 'IPAddress', value: '10.0.0.1' },
    { type: 'Hostname' },
    { type: 'example.com/frontend' },
  ]);
  expect(parse(text.replace('{ labels: { a: b } }', '5')).issues).toMatchObject([
    { path: 'spec.infrastructure', message: 'must be a mapping, not the number 5' },
  ]);
  expect(parse(text.replace('type: Hostname', 'type: hostname')).issues).toMatchObject([
    { path: 'spec.addresses[1].type', message: '"hostname" is not a type of address' },
  ]);
});

test('a Gateway needs a class and at least one listener', () => {
  const text = gateway()
    .replace('  gatewayClassName: sluice\n', '')
    .replace(/listeners:[\s\S]*/, 'listeners: []\n');
  expect(parse(text).issues.map(({ path, message }) => [path, message])).toEqual([
    ['spec.gatewayClassName', 'is required'],
    ['spec.listeners', 'must have at least one listener'],
  ]);
});
