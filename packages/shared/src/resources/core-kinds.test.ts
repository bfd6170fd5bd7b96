import { expect, test } from 'vitest';
import { brief, marked, parse, service, slice } from '../testing/manifests.js';
import { canonicalAddress } from './address.js';

test('of a Service only what is read is checked', () => {
  const text = service().replace('spec: {', 'spec: { clusterIP: 1, selector: { app: chat }, wat: true,');
  const { resources, issues } = parse(text);
  expect(issues).toEqual([]);
  expect(resources.services[0]?.spec).toEqual({
    type: 'ClusterIP',
    selector: { app: 'chat' },
    ports: [{ port: 80, protocol: 'TCP' }],
  });
});

test.each([
  ['{ port: 80, targetPort: §"8080" }', 'ports[0].targetPort', '"8080" is not a port'],
  ['{ port: 80, targetPort: §a--b }', 'ports[0].targetPort', '"a--b" is not a port'],
  ['{ port: 80, targetPort: §a234567890123456 }', 'ports[0].targetPort', '"a234567890123456" is not a port'],
  ['{ port: 80, targetPort: §0 }', 'ports[0].targetPort', '0 is not a port'],
  ['{ port: 80, targetPort: §[1] }', 'ports[0].targetPort', 'is not a port'],
  ['{ port: §70000 }', 'ports[0].port', '70000 is not a port'],
  ['{ port: 80, protocol: §tcp }', 'ports[0].protocol', '"tcp" is not a value of this field'],
  ['{ port: 80, name: §A }', 'ports[0].name', '"A" is not a valid name'],
  ['{ port: 80, name: a }, §{ port: 81 }', 'ports[1].name', 'is required when a Service has several ports'],
  ['{ port: 80, name: a }, { port: 81, name: §a }', 'ports[1].name', '"a" is the name of an earlier port'],
  ['{ port: 80, name: a }, { port: §80, name: b }', 'ports[1].port', '80 is the number of an earlier port'],
])('Service port %s', (ports, path, message) => {
  const { text, line, column } = marked(service('chat', ports));
  expect(parse(text).issues).toMatchObject([{ severity: 'error', line, column, path: `spec.${path}`, message }]);
});

test('the same number for TCP and UDP are two ports', () => {
  const text = service('dns', '{ name: a, port: 53, protocol: UDP }, { name: b, port: 53, targetPort: 5353 }');
  expect(parse(text).issues).toEqual([]);
});

test('a targetPort may be the name of a container port', () => {
  const { resources, issues } = parse(service('chat', '{ port: 80, targetPort: ws }'));
  expect(issues).toEqual([]);
  expect(resources.services[0]?.spec.ports[0]?.targetPort).toBe('ws');
});

test('a Service may be a name elsewhere', () => {
  const { resources, issues } = parse(
    service('chat', '', 'default', { spec: 'type: ExternalName, externalName: Chat.Example.com' }),
  );
  expect(issues).toEqual([]);
  expect(resources.services[0]?.spec).toMatchObject({ type: 'ExternalName', externalName: 'chat.example.com' });
});

test.each([
  ['type: ExternalName, externalName: §10.0.0.1', 'externalName', '"10.0.0.1" is an IP address'],
  ['type: ExternalName, externalName: §"a b"', 'externalName', '"a b" is not a DNS name'],
  ['externalName: §a.com', 'externalName', '"a.com" is not read with type: ClusterIP'],
  ['type: §External', 'type', '"External" is not a value of this field'],
  ['selector: { app: §1 }', 'selector.app', 'must be a string, not the number 1'],
])('Service with %s', (spec, path, message) => {
  const { text, line, column } = marked(service('chat', '{ port: 80 }', 'default', { spec }));
  expect(parse(text).issues).toMatchObject([{ severity: 'error', line, column, path: `spec.${path}`, message }]);
});

test('an ExternalName Service without its name says what is missing', () => {
  const { issues } = parse(service('chat', '', 'default', { spec: 'type: ExternalName' }));
  expect(brief(issues)).toEqual(['spec.externalName: is required with type: ExternalName']);
});

test('an EndpointSlice is read with its defaults', () => {
  const { resources, issues } = parse(
    slice({ endpoints: ['addresses: [10.0.0.1], nodeName: n, zone: z, conditions: {}'] }),
  );
  expect(issues).toEqual([]);
  expect(resources.endpointSlices[0]).toMatchObject({
    labels: { 'kubernetes.io/service-name': 'chat' },
    spec: {
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true, serving: true, terminating: false } }],
      ports: [{ name: '', port: 9000, protocol: 'TCP' }],
    },
  });
});

test('IPv6 addresses come out in one spelling', () => {
  const { resources } = parse(slice({ type: 'IPv6', endpoints: ['addresses: ["2001:DB8:0:0::0001", "::1"]'] }));
  expect(resources.endpointSlices[0]?.spec.endpoints[0]?.addresses).toEqual(['2001:db8::1', '::1']);
});

test('names of an FQDN slice come out in lower case', () => {
  const { resources } = parse(slice({ type: 'FQDN', endpoints: ['addresses: [Pod_1.Chat.local.]'] }));
  expect(resources.endpointSlices[0]?.spec.endpoints[0]?.addresses).toEqual(['pod_1.chat.local.']);
});

test.each([
  ['IPv4', '§"::1"', '"::1" is not an IPv4 address'],
  ['IPv4', '§10.0.0', '"10.0.0" is not an IPv4 address'],
  ['IPv4', '§10.0.0.01', '"10.0.0.01" is not an IPv4 address'],
  ['IPv4', '§localhost', '"localhost" is not an IPv4 address'],
  ['IPv6', '§10.0.0.1', '"10.0.0.1" is not an IPv6 address'],
  ['FQDN', '§10.0.0.1', '"10.0.0.1" is an IP address'],
  ['FQDN', '§"a b"', '"a b" is not a DNS name'],
  ['IPv6', '§"fe80::1%eth0"', '"fe80::1%eth0" is not an IPv6 address'],
])('%s address %s', (type, address, message) => {
  const good = { IPv4: '10.0.0.9', IPv6: '"::9"', FQDN: 'a.com' }[type];
  const { text, line, column } = marked(
    slice({ type, endpoints: [`addresses: [${good}]`, `addresses: [${good}, ${address}]`] }),
  );
  expect(parse(text).issues).toMatchObject([{ line, column, path: 'endpoints[1].addresses[1]', message }]);
});

test.each([
  ['addressType: IPv4', 'addressType: §ipv4', 'addressType', '"ipv4" is not a value of this field'],
  ['port: 9000', 'port: §0', 'ports[0].port', '0 is not a port'],
  ['{ port: 9000 }', '§{ name: a }', 'ports[0].port', 'is required'],
  ['[10.0.0.1]', '§[]', 'endpoints[0].addresses', 'must have at least one address'],
  [
    '[10.0.0.1]',
    '[10.0.0.1], conditions: { ready: §"no" }',
    'endpoints[0].conditions.ready',
    'must be a boolean, not the string "no"',
  ],
  ['port: 9000', 'port: 9000, name: §A_', 'ports[0].name', '"A_" is not a valid name'],
])('EndpointSlice with %s as %s', (from, to, path, message) => {
  const { text, line, column } = marked(slice().replace(from, to));
  expect(parse(text).issues).toMatchObject([{ severity: 'error', line, column, path, message }]);
});

test('a slice as the controller writes it for no pods is empty, not wrong', () => {
  const text = slice()
    .replace(/ports: .*/, 'ports: null')
    .replace(/endpoints: .*/, 'endpoints: null');
  expect(brief(parse(text).issues)).toEqual([]);
});

test('an address has one canonical form', () => {
  expect(canonicalAddress('0:0:0:0:0:0:0:1', 'IPv6')).toBe('::1');
  expect(canonicalAddress('::ffff:1.2.3.4', 'IPv6')).toBe('::ffff:102:304');
  expect(canonicalAddress('127.0.0.1', 'IPv4')).toBe('127.0.0.1');
  expect(canonicalAddress('127.1', 'IPv4')).toBeUndefined();
});
