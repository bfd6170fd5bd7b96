import { expect, test } from 'vitest';
import { brief, documents, gateway, marked, parse } from '../testing/manifests.js';
import { conditionsOf, listenerConditions } from '../testing/statuses.js';
import { compileSnapshot } from './compile.js';

function compileGateways(...texts: string[]) {
  const { resources, issues } = parse(...texts);
  expect(issues).toEqual([]);
  return compileSnapshot(resources);
}

test('listeners come by port, the most specific hostname first', () => {
  const { snapshot, issues } = compileGateways(
    gateway({
      listeners: [
        'name: d, port: 90, protocol: HTTP',
        'name: c, port: 80, protocol: HTTP',
        'name: b, port: 80, protocol: HTTP, hostname: "*.example.com"',
        'name: a, port: 80, protocol: HTTP, hostname: a.example.com',
      ],
    }),
  );
  expect(issues).toEqual([]);
  expect(snapshot.listeners.map(({ name, port, hostname }) => [name, port, hostname])).toEqual([
    ['a', 80, 'a.example.com'],
    ['b', 80, '*.example.com'],
    ['c', 80, ''],
    ['d', 90, ''],
  ]);
  expect(snapshot.listeners[0]).toMatchObject({ gateway: 'default/main', protocol: 'HTTP', hosts: [] });
});

test('two listeners of one name are an error at the second, and neither is served', () => {
  const { text, line, column } = marked(
    gateway({
      listeners: [
        'name: a, port: 80, protocol: HTTP',
        'name: §a, port: 81, protocol: HTTP',
        'name: b, port: 82, protocol: HTTP',
      ],
    }),
  );
  const { snapshot, issues } = compileGateways(text);
  expect(issues).toMatchObject([
    {
      severity: 'error',
      line,
      column,
      path: 'spec.listeners[1].name',
      message: 'is the name of an earlier listener of this Gateway',
    },
  ]);
  expect(snapshot.listeners.map(({ name }) => name)).toEqual(['b']);
});

test('the same listener name in two Gateways is no conflict', () => {
  const { snapshot, issues } = compileGateways(
    documents(gateway({ name: 'a' }), gateway({ name: 'b', listeners: ['name: http, port: 81, protocol: HTTP'] })),
  );
  expect(issues).toEqual([]);
  expect(snapshot.listeners).toHaveLength(2);
});

test('a protocol is the same in any case', () => {
  const { snapshot, issues } = compileGateways(gateway({ listeners: ['name: a, port: 80, protocol: hTTp'] }));
  expect(issues).toEqual([]);
  expect(snapshot.listeners[0]?.protocol).toBe('HTTP');
});

const SECOND = 'name: second, port: 9000, protocol: HTTP';

test.each([
  [
    'port: 81, protocol: TCP',
    'UnsupportedProtocol',
    'protocol: protocol TCP is not supported: the listener is not served',
  ],
  [
    'port: 81, protocol: example.com/mine',
    'UnsupportedProtocol',
    'protocol: protocol example.com/mine is not supported: the listener is not served',
  ],
  [
    'port: 81, protocol: TLS, tls: { mode: Passthrough }',
    'UnsupportedProtocol',
    'protocol: protocol TLS is not supported: the listener is not served',
  ],
  [
    'port: 443, protocol: HTTPS',
    'UnsupportedValue',
    'protocol: a listener with protocol: HTTPS needs tls: the listener is not served',
  ],
  [
    'port: 443, protocol: HTTPS, tls: { mode: Passthrough }',
    'UnsupportedValue',
    'tls: TLS is always terminated here, and never passed through: the listener is not served',
  ],
])(
  'a listener that cannot be served is a condition and a warning, and the others are served: %s',
  (listener, reason, said) => {
    const result = compileGateways(gateway({ listeners: [`name: first, ${listener}`, SECOND] }));
    expect(brief(result.issues)).toEqual([`spec.listeners[0].${said}`]);
    expect(result.issues[0]?.severity).toBe('warning');
    expect(listenerConditions(result, 'main', 'first')).toEqual([
      `Accepted False ${reason}`,
      'Programmed False Invalid',
      'ResolvedRefs True ResolvedRefs',
      'Conflicted False NoConflicts',
    ]);
    expect(conditionsOf(result, 'Gateway', 'main')).toEqual([
      'Accepted True ListenersNotValid',
      'Programmed True Programmed',
    ]);
    expect(result.snapshot.listeners.map(({ name }) => name)).toEqual(['second']);
  },
);
