import { expect, test } from 'vitest';
import { documents, gateway, marked, parse } from '../testing/manifests.js';
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

test('the same listener name in two Gateways, or another hostname on the same port, is no conflict', () => {
  const { snapshot, issues } = compileGateways(
    documents(
      gateway({ name: 'a' }),
      gateway({ name: 'b', listeners: ['name: http, port: 80, protocol: HTTP, hostname: b.com'] }),
      gateway({ name: 'a', namespace: 'other', listeners: ['name: http, port: 81, protocol: HTTP'] }),
    ),
  );
  expect(issues).toEqual([]);
  expect(snapshot.listeners).toHaveLength(3);
});
