import { expect, test } from 'vitest';
import { documents, gateway, parse, route, rule, service, slice } from '../testing/manifests.js';
import { aBackend, aListener, aMatch, aRule, aService, aSnapshot } from '../testing/snapshots.js';
import { compileSnapshot } from './compile.js';

const TEXTS = [
  gateway({ listeners: ['name: b, port: 81, protocol: HTTP', 'name: a, port: 80, protocol: HTTP'] }),
  route({ name: 'chat', rules: [rule('PathPrefix', '/chat', 'backendRefs: [{ name: chat, port: 80 }]')] }),
  route({ name: 'echo', hostnames: ['b.com', 'a.com'], rules: ['backendRefs: [{ name: echo, port: 80, weight: 2 }]'] }),
  service('chat'),
  service('echo'),
  slice({ name: 'chat-1', endpoints: ['addresses: [10.0.0.1]', 'addresses: [10.0.0.2]'] }),
  slice({ name: 'chat-2', endpoints: ['addresses: [10.0.0.3]'] }),
  slice({ name: 'echo-1', of: 'echo' }),
];

function compiled(texts: readonly string[]) {
  const { resources, issues } = parse(documents(...texts));
  expect(issues).toEqual([]);
  return compileSnapshot(resources);
}

test('a configuration becomes one snapshot', () => {
  const { snapshot, issues } = compiled(TEXTS);
  expect(issues).toEqual([]);
  const hosts = [
    { hostname: 'a.com', matches: [aMatch(1)] },
    { hostname: 'b.com', matches: [aMatch(1)] },
    { hostname: '', matches: [aMatch(0, { path: '/chat' })] },
  ];
  const targets = (...hosts: string[]) =>
    hosts.map((host) => ({ type: 'address' as const, host, port: 9000, draining: false }));
  expect(snapshot).toEqual(
    aSnapshot({
      version: expect.stringMatching(/^[0-9a-f]{16}$/),
      listeners: [aListener({ name: 'a', hosts }), aListener({ name: 'b', port: 81, hosts })],
      rules: [
        aRule('default/chat', { backends: [aBackend(0)] }),
        aRule('default/echo', { backends: [aBackend(1, 2)] }),
      ],
      services: [
        aService('default/chat/80', { targets: targets('10.0.0.1', '10.0.0.2', '10.0.0.3') }),
        aService('default/echo/80', { targets: targets('10.0.0.1') }),
      ],
    }),
  );
});

test('the order of the resources does not show', () => {
  const { snapshot } = compiled(TEXTS);
  expect(compiled([...TEXTS].reverse()).snapshot).toEqual(snapshot);
  expect(compiled([...TEXTS.slice(3), ...TEXTS.slice(0, 3)]).snapshot).toEqual(snapshot);
});

test('a snapshot is plain data', () => {
  const { snapshot } = compiled(TEXTS);
  expect(structuredClone(snapshot)).toEqual(snapshot);
  expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
});

test('the order of the fields does not show in the version', () => {
  const filters = (first: string, second: string) =>
    `filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { ${first}, ${second} } }]`;
  const set = 'set: [{ name: a, value: b }]';
  const versionOf = (rule: string) => compiled([gateway(), route({ rules: [rule] }), service()]).snapshot.version;
  const ref = ['name: chat', 'port: 80', 'weight: 3'];
  expect(versionOf(`backendRefs: [{ ${ref.join(', ')} }], ${filters(set, 'remove: [c]')}`)).toBe(
    versionOf(`${filters('remove: [c]', set)}, backendRefs: [{ ${[...ref].reverse().join(', ')} }]`),
  );
});

test.each([
  ['port: 81', 'port: 82'],
  ['weight: 2', 'weight: 3'],
  ['10.0.0.3', '10.0.0.4'],
  ['a.com', 'c.com'],
  ['PathPrefix', 'Exact'],
])('the version changes with the configuration: %s to %s', (from, to) => {
  const changed = TEXTS.map((text) => text.replace(from, to));
  expect(compiled(changed).snapshot.version).not.toBe(compiled(TEXTS).snapshot.version);
});

test('routes with as many services: each has a rule, a service and a host of its own', () => {
  const count = 20;
  const texts = [gateway()];
  for (let index = 0; index < count; index++) {
    const name = `s${index}`;
    texts.push(
      route({ name, hostnames: [`${name}.example.com`], rules: [`backendRefs: [{ name: ${name}, port: 80 }]`] }),
    );
    texts.push(service(name), slice({ name, of: name }));
  }
  const { snapshot, issues } = compiled(texts);
  expect(issues).toEqual([]);
  expect([snapshot.rules.length, snapshot.services.length]).toEqual([count, count]);
  expect(snapshot.listeners[0]?.hosts).toHaveLength(count);
});

test('nothing at all is an empty snapshot', () => {
  const { snapshot } = compileSnapshot(parse('').resources);
  expect(snapshot).toMatchObject({ listeners: [], rules: [], services: [] });
});
