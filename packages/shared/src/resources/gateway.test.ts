import { expect, test } from 'vitest';
import { gateway, marked, parse } from '../testing/manifests.js';

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
  'allowedRoutes: { kinds: [{ kind: HTTPRoute }] }',
  'allowedRoutes: { kinds: [{ group: gateway.networking.k8s.io, kind: HTTPRoute }] }',
])('a listener may have %s', (more) => {
  expect(parse(gateway({ listeners: [`${LISTENER}, ${more}`] })).issues).toEqual([]);
});

const NOT_YET = 'not supported yet';

test.each([
  [`${LISTENER}, §tls: { mode: Terminate }`, 'tls', NOT_YET],
  ['name: a, port: 443, protocol: §HTTPS', 'protocol', `"HTTPS" is ${NOT_YET}`],
  ['name: a, port: 443, protocol: §TLS', 'protocol', `"TLS" is ${NOT_YET}`],
  ['name: a, port: 443, protocol: §TCP', 'protocol', `"TCP" is ${NOT_YET}`],
  ['name: a, port: 443, protocol: §UDP', 'protocol', `"UDP" is ${NOT_YET}`],
  ['name: a, port: 443, protocol: §http', 'protocol', '"http" is not a value of this field'],
  [
    `${LISTENER}, allowedRoutes: { namespaces: { from: §Selector } }`,
    'allowedRoutes.namespaces.from',
    `"Selector" is ${NOT_YET}`,
  ],
  [
    `${LISTENER}, allowedRoutes: { namespaces: { from: All, §selector: {} } }`,
    'allowedRoutes.namespaces.selector',
    NOT_YET,
  ],
  [
    `${LISTENER}, allowedRoutes: { kinds: [{ kind: §GRPCRoute }] }`,
    'allowedRoutes.kinds[0].kind',
    `"GRPCRoute" is ${NOT_YET}`,
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

test.each(['addresses', 'infrastructure', 'allowedListeners', 'tls', 'backendTLS', 'defaultScope'])(
  'spec.%s is refused, not passed over',
  (field) => {
    const { text, line, column } = marked(gateway().replace('spec:\n', `spec:\n  §${field}: {}\n`));
    expect(parse(text).issues).toMatchObject([{ line, column, path: `spec.${field}`, message: NOT_YET }]);
    expect(parse(text).resources.gateways).toEqual([]);
  },
);

test('a Gateway needs a class and at least one listener', () => {
  const text = gateway()
    .replace('  gatewayClassName: sluice\n', '')
    .replace(/listeners:[\s\S]*/, 'listeners: []\n');
  expect(parse(text).issues.map(({ path, message }) => [path, message])).toEqual([
    ['spec.gatewayClassName', 'is required'],
    ['spec.listeners', 'must have at least one listener'],
  ]);
});
