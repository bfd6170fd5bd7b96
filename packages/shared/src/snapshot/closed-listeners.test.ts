import { expect, test } from 'vitest';
import { CA, RSA } from '../testing/certificates.js';
import { compile, gateway, route, service } from '../testing/manifests.js';
import { listenerConditions } from '../testing/statuses.js';
import { frontendTls, secret, tlsSecret } from '../testing/tls-manifests.js';

const VERIFY = 'default: { verify: { caCertificateRef: { name: ca } } }';
const VERSIONS = 'default: { policyType: { name: 2023-06 } }';

function https(name: string, hostname: string, port = 443, certificate = 'rsa'): string {
  return `name: ${name}, hostname: ${hostname}, port: ${port}, protocol: HTTPS, tls: { certificateRefs: [{ name: ${certificate} }] }`;
}

/** A policy for listener admin, and listeners beside it. */
function compiled(listeners: readonly string[], spec: string, ...more: string[]) {
  const routes = route({ hostnames: ['admin.example.com'], rules: ['backendRefs: [{ name: chat, port: 80 }]'] });
  const policy = frontendTls(spec, {}, 'name: main, sectionNames: [admin]');
  return compile(gateway({ listeners }), routes, service(), tlsSecret('rsa', RSA), policy, ...more);
}

function listenersOf({ snapshot }: ReturnType<typeof compile>) {
  return snapshot.listeners.map(({ name, hosts, tls }) => [name, hosts.length, tls?.certificates.length]);
}

const ADMIN = https('admin', 'admin.example.com');
const WIDE = https('wide', '"*.example.com"');

test('requests for a listener whose clients cannot be verified do not fall to a wider one', () => {
  const result = compiled([ADMIN, WIDE], VERIFY);
  expect(listenersOf(result)).toEqual([
    ['admin', 0, 0],
    ['wide', 1, 1],
  ]);
  expect(listenerConditions(result, 'main', 'admin')).toContain('Programmed False Invalid');
});

test('nor do those for one that is not served for another reason', () => {
  const result = compiled(
    [https('admin', 'admin.example.com', 443, 'gone'), WIDE],
    VERIFY,
    secret('ca', { 'ca.crt': CA }),
  );
  expect(listenersOf(result)).toEqual([
    ['admin', 0, 0],
    ['wide', 1, 1],
  ]);
});

test('of two that conflict one takes the hostname', () => {
  const result = compiled([ADMIN, https('twin', 'admin.example.com'), WIDE], VERIFY, secret('ca', { 'ca.crt': CA }));
  expect(listenersOf(result)).toEqual([
    ['admin', 0, 0],
    ['wide', 1, 1],
  ]);
});

test('a port that nobody else serves is not bound for it', () => {
  const result = compiled([https('admin', 'admin.example.com', 8443), WIDE], VERIFY);
  expect(listenersOf(result)).toEqual([['wide', 1, 1]]);
});

test('a listener that asks for no certificate is left out', () => {
  const result = compiled([https('admin', 'admin.example.com', 443, 'gone'), WIDE], VERSIONS);
  expect(listenersOf(result)).toEqual([['wide', 1, 1]]);
});
