import { expect, test } from 'vitest';
import { documents, gateway, parse, route, rule, service, slice } from '../testing/manifests.js';
import { compileSnapshot } from './compile.js';
import { DEFAULT_BALANCING, DEFAULT_LIVE_CONNECTIONS, DEFAULT_PROBE } from './service-policy.js';

const DEFAULTS = {
  probe: DEFAULT_PROBE,
  balancing: DEFAULT_BALANCING,
  liveConnections: DEFAULT_LIVE_CONNECTIONS,
};
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
  const open = { method: '', headers: [], queryParams: [] };
  const hosts = [
    { hostname: 'a.com', matches: [{ pathType: 'PathPrefix', path: '/', ...open, rule: 1 }] },
    { hostname: 'b.com', matches: [{ pathType: 'PathPrefix', path: '/', ...open, rule: 1 }] },
    { hostname: '', matches: [{ pathType: 'PathPrefix', path: '/chat', ...open, rule: 0 }] },
  ];
  const target = (host: string) => ({ type: 'address', host, port: 9000, draining: false });
  const listener = { gateway: 'default/main', protocol: 'HTTP', hostname: '', hosts };
  expect(snapshot).toEqual({
    version: expect.stringMatching(/^[0-9a-f]{16}$/),
    listeners: [
      { name: 'a', port: 80, ...listener },
      { name: 'b', port: 81, ...listener },
    ],
    rules: [
      { route: 'default/chat', index: 0, backends: [{ service: 0, weight: 1 }], affinity: null },
      { route: 'default/echo', index: 0, backends: [{ service: 1, weight: 2 }], affinity: null },
    ],
    services: [
      {
        name: 'default/chat/80',
        targets: ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map(target),
        ...DEFAULTS,
      },
      { name: 'default/echo/80', targets: [target('10.0.0.1')], ...DEFAULTS },
    ],
  });
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

test('two thousand routes with as many services compile', () => {
  const count = 2000;
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
