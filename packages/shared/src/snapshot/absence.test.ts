import { expect, test } from 'vitest';
import { brief, documents, gateway, parse, route, service, slice } from '../testing/manifests.js';
import { withoutRefused } from './absence.js';
import { compileSnapshot } from './compile.js';

const REF = 'backendRefs: [{ name: chat, port: 80 }]';
const TLS = 'name: tls, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: chat }] }';
const HTTP = 'name: http, port: 80, protocol: HTTP';
const SECRET = 'apiVersion: v1\nkind: Secret\nmetadata: { name: chat }\ntype: kubernetes.io/tls\ndata: 1\n';
const PROBE = `apiVersion: alb.networking.azure.io/v1
kind: HealthCheckPolicy
metadata: { name: chat }
spec: { targetRef: { group: "", kind: Service, name: chat }, default: {} }
`;

/** What is said of the objects that were read: all of it, and all that is worth saying. */
function said(...texts: readonly string[]): { readonly all: string[]; readonly left: string[] } {
  const { resources, issues } = parse(documents(...texts));
  const found = compileSnapshot(resources).issues;
  return { all: brief(found), left: brief(withoutRefused(found, issues)) };
}

test.each([
  ['Service of a backendRef', [gateway(), route({ rules: [REF] }), slice()], service('chat', '{ port: 0 }')],
  ['Service of a policy', [gateway(), PROBE], service('chat', '{ port: 0 }')],
  ['Secret of a listener', [gateway({ listeners: [HTTP, TLS] })], SECRET],
  [
    'Gateway of a parentRef',
    [gateway(), route({ parents: ['name: second'] })],
    gateway({ name: 'second', listeners: ['name: a, port: 0, protocol: HTTP'] }),
  ],
])('nothing is said of the absence of a %s that was refused', (_, texts, refused) => {
  const absence = /there is no \w+ default\/\w+/;
  expect(said(...texts).left).toEqual(said(...texts).all);
  expect(said(...texts).left.join('\n')).toMatch(absence);
  expect(said(...texts, refused).all.join('\n')).toMatch(absence);
  expect(said(...texts, refused).left.join('\n')).not.toMatch(absence);
});

test('what else is said stays, and so does what is said of other objects', () => {
  const texts = [
    gateway({ listeners: [HTTP, 'name: tcp, port: 81, protocol: TCP'] }),
    route({ rules: [REF, 'backendRefs: [{ name: cha, port: 80 }]'] }),
    service('chat', '{ port: 0 }'),
  ];
  expect(said(...texts).left).toEqual([
    'spec.listeners[1].protocol: protocol TCP is not supported: the listener is not served',
    'spec.rules[1].backendRefs[0]: there is no Service default/cha: its share of the requests is answered with 500',
  ]);
});
