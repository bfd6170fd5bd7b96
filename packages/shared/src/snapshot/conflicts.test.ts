import { expect, test } from 'vitest';
import { brief, compile, documents, gateway, route } from '../testing/manifests.js';
import { conditionsOf, listenerConditions, statusOf } from '../testing/statuses.js';

const OTHER = 'name: other, port: 9000, protocol: HTTP';
const TLS = 'tls: { certificateRefs: [{ name: cert }] }';

function served(...texts: string[]) {
  const result = compile(documents(...texts));
  return { result, names: result.snapshot.listeners.map(({ gateway, name }) => `${gateway}/${name}`) };
}

function conflicted(reason: string): string[] {
  return [
    `Accepted False ${reason}`,
    'Programmed False Invalid',
    'ResolvedRefs True ResolvedRefs',
    `Conflicted True ${reason}`,
  ];
}

test('of listeners with one port, protocol and hostname none is served, in one Gateway', () => {
  const twice = ['name: a, port: 80, protocol: HTTP', 'name: b, port: 80, protocol: HTTP', OTHER];
  const { result, names } = served(gateway({ listeners: twice }));
  expect(names).toEqual(['default/main/other']);
  expect(result.issues.map(({ severity, path, message }) => [severity, path, message])).toEqual([
    [
      'warning',
      'spec.listeners[0].port',
      'conflicts with listener "b" of Gateway default/main: same port, protocol and hostname: neither is served',
    ],
    [
      'warning',
      'spec.listeners[1].port',
      'conflicts with listener "a" of Gateway default/main: same port, protocol and hostname: neither is served',
    ],
  ]);
  expect(result.issues[0]?.hint).toBe('give one of them another hostname or port, or remove it');
  expect(listenerConditions(result, 'main', 'a')).toEqual(conflicted('HostnameConflict'));
  expect(listenerConditions(result, 'main', 'b')).toEqual(conflicted('HostnameConflict'));
  expect(listenerConditions(result, 'main', 'other')).toContain('Conflicted False NoConflicts');
  expect(conditionsOf(result, 'Gateway', 'main')).toEqual([
    'Accepted True ListenersNotValid',
    'Programmed True Programmed',
  ]);
  expect(statusOf(result, 'Gateway', 'main').conditions?.[0]?.message).toBe('not served: listener a, b');
});

test('over Gateways the older one keeps its listener: one that is added takes nothing off', () => {
  const { result, names } = served(
    gateway({ name: 'b' }),
    gateway({ name: 'a', listeners: ['name: http, port: 80, protocol: HTTP', OTHER] }),
  );
  expect(names).toEqual(['default/a/http', 'default/a/other']);
  expect(brief(result.issues)).toEqual([
    'spec.listeners[0].port: conflicts with listener "http" of Gateway default/a: same port, protocol and hostname: this one is not served',
  ]);
  expect(listenerConditions(result, 'a', 'http')).toContain('Conflicted False NoConflicts');
  expect(listenerConditions(result, 'b', 'http')).toEqual(conflicted('HostnameConflict'));
  expect(conditionsOf(result, 'Gateway', 'b')).toEqual([
    'Accepted False ListenersNotValid',
    'Programmed False Invalid',
  ]);
});

test('when nothing at all is left, it is an error', () => {
  const { result } = served(
    gateway({ listeners: ['name: a, port: 80, protocol: HTTP', 'name: b, port: 80, protocol: HTTP'] }),
  );
  expect(result.issues.map(({ severity }) => severity).sort()).toEqual(['error', 'warning', 'warning']);
});

test('HTTP and HTTPS on one port conflict, whatever their hostnames', () => {
  const { result, names } = served(
    gateway({
      listeners: [
        'name: a, port: 443, protocol: HTTP, hostname: a.example.com',
        `name: b, port: 443, protocol: HTTPS, hostname: b.example.com, ${TLS}`,
        OTHER,
      ],
    }),
  );
  expect(names).toEqual(['default/main/other']);
  expect(listenerConditions(result, 'main', 'a')).toEqual(conflicted('ProtocolConflict'));
  expect(listenerConditions(result, 'main', 'b')).toEqual(conflicted('ProtocolConflict'));
  expect(brief(result.issues)[0]).toBe(
    'spec.listeners[0].port: conflicts with listener "b" of Gateway default/main: same port, another protocol: neither is served',
  );
});

test('a listener whose protocol is not served conflicts with nothing', () => {
  const { names } = served(
    gateway({ listeners: ['name: a, port: 80, protocol: HTTP', 'name: b, port: 80, protocol: TCP'] }),
  );
  expect(names).toEqual(['default/main/a']);
});

test.each([
  ['no address', undefined, ['value: 127.0.0.1']],
  ['every IPv4 address', ['value: 0.0.0.0'], ['value: 127.0.0.1']],
  ['every address', ['value: "::"'], ['value: 127.0.0.1']],
])('%s and a single one cannot be bound to one port side by side', (_, wide, narrow) => {
  const x = (host: string) => `name: x, port: 80, protocol: HTTP, hostname: ${host}.example.com`;
  const { result, names } = served(
    gateway({ name: 'a', ...(wide && { addresses: wide }), listeners: [x('a'), OTHER] }),
    gateway({ name: 'b', addresses: narrow, listeners: [x('b')] }),
  );
  expect(names.sort()).toEqual(['default/a/other', 'default/a/x']);
  expect(listenerConditions(result, 'b', 'x')).toEqual([
    'Accepted False PortUnavailable',
    'Programmed False Invalid',
    'ResolvedRefs True ResolvedRefs',
    'Conflicted False NoConflicts',
  ]);
});

test('on addresses of their own two listeners may have the same port and hostname, and on a common one they may not', () => {
  const apart = [
    gateway({ name: 'a', addresses: ['value: 127.0.0.1', 'value: 127.0.0.3'] }),
    gateway({ name: 'b', addresses: ['value: 127.0.0.2'] }),
  ];
  expect(served(...apart).names).toEqual(['default/a/http', 'default/b/http']);
  const third = gateway({ name: 'c', addresses: ['value: 127.0.0.3', 'value: 127.0.0.4'] });
  const { result, names } = served(...apart, third);
  expect(names).toEqual(['default/a/http', 'default/b/http']);
  expect(listenerConditions(result, 'c', 'http')).toEqual(conflicted('HostnameConflict'));
});

test('other hostnames, other ports, the same addresses: no conflict', () => {
  const addresses = ['value: 127.0.0.1', 'value: "::1"'];
  const { result, names } = served(
    gateway({ name: 'a', addresses }),
    gateway({
      name: 'b',
      addresses: [...addresses].reverse(),
      listeners: ['name: http, port: 80, protocol: HTTP, hostname: b.com'],
    }),
    gateway({ name: 'a', namespace: 'other', listeners: ['name: http, port: 81, protocol: HTTP'] }),
  );
  expect(brief(result.issues)).toEqual([]);
  expect(names).toHaveLength(3);
});

test('Gateways that share a port must agree on who sends PROXY headers: the older one is served', () => {
  const host = (name: string) => `name: http, port: 80, protocol: HTTP, hostname: ${name}.example.com`;
  const first = gateway({
    name: 'a',
    annotations: 'sluice.dev/proxy-protocol: "10.0.0.0/8, 192.0.2.1"',
    listeners: [host('a')],
  });
  const agrees = gateway({
    name: 'b',
    annotations: 'sluice.dev/proxy-protocol: "192.0.2.1/32, 10.0.0.0/8"',
    listeners: [host('b')],
  });
  const differs = gateway({ name: 'c', annotations: 'sluice.dev/proxy-protocol: 10.0.0.0/8', listeners: [host('c')] });
  const silent = gateway({ name: 'd', listeners: [host('d'), OTHER] });
  const { result, names } = served(first, agrees, differs, silent);
  expect(names).toEqual(['default/a/http', 'default/b/http', 'default/d/other']);
  expect(result.snapshot.listeners[1]).toMatchObject({
    proxySources: ['10.0.0.0/8', '192.0.2.1/32'],
    trustedProxies: [],
  });
  expect(listenerConditions(result, 'c', 'http')).toEqual(conflicted('ProtocolConflict'));
  expect(listenerConditions(result, 'd', 'http')).toEqual(conflicted('ProtocolConflict'));
  expect(brief(result.issues)[0]).toBe(
    'spec.listeners[0].port: conflicts with listener "http" of Gateway default/a: same port, other sources of PROXY headers (sluice.dev/proxy-protocol): this one is not served',
  );
});

test('routes of a listener that is not served stay attached, and serve nothing', () => {
  const { result } = served(
    gateway({ listeners: ['name: a, port: 80, protocol: HTTP', 'name: b, port: 80, protocol: HTTP', OTHER] }),
    route({ parents: ['name: main, sectionName: a'] }),
  );
  expect(statusOf(result, 'Gateway', 'main').listeners?.map(({ attachedRoutes }) => attachedRoutes)).toEqual([1, 0, 0]);
  expect(result.snapshot.rules).toEqual([]);
  expect(result.snapshot.routes).toEqual([]);
});
