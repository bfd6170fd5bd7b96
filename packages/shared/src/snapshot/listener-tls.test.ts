import { expect, test } from 'vitest';
import { EC, ENCRYPTED_KEY, EXPIRED, RSA } from '../testing/certificates.js';
import { compile, documents, gateway, referenceGrant } from '../testing/manifests.js';
import { listenerConditions } from '../testing/statuses.js';
import { saidOf, secret, tlsSecret } from '../testing/tls-manifests.js';
import { DEFAULT_VERSIONS } from './tls-versions.js';

const SERVED = ['Accepted True Accepted', 'Programmed True Programmed', 'ResolvedRefs True ResolvedRefs'];

function https(name: string, port: number, ...refs: string[]): string {
  const certificateRefs = refs.map((ref) => `{ ${ref} }`).join(', ');
  return `name: ${name}, port: ${port}, protocol: HTTPS, tls: { certificateRefs: [${certificateRefs}] }`;
}

const PLAIN = 'name: http, port: 80, protocol: HTTP';
/** A Gateway with a plain listener and `https`, whose certificates are these. */
function withRefs(refs: readonly string[], ...more: string[]) {
  return compile(documents(gateway({ listeners: [PLAIN, https('https', 443, ...refs)] }), ...more));
}

function tlsOf({ snapshot }: ReturnType<typeof compile>, listener: string) {
  return snapshot.listeners.find(({ name }) => name === listener)?.tls;
}

test('a listener shows its certificates, in their order, and asks clients for none', () => {
  const result = withRefs(
    ['name: rsa', 'name: ec', 'kind: Secret, group: "", name: rsa'],
    tlsSecret('rsa', RSA),
    tlsSecret('ec', EC),
  );
  expect(saidOf(result)).toEqual([]);
  const { certificates, authorities } = result.material;
  const id = (name: string) => certificates.find((each) => each.secret === `default/${name}`)?.id;
  expect(tlsOf(result, 'https')).toEqual({
    certificates: [id('rsa'), id('ec')],
    ...DEFAULT_VERSIONS,
    clientAuth: null,
  });
  expect(certificates.map(({ chain, key }) => ({ chain, key })).sort((a, b) => (a.chain < b.chain ? -1 : 1))).toEqual(
    [RSA, EC].sort((a, b) => (a.chain < b.chain ? -1 : 1)),
  );
  expect(authorities).toEqual([]);
  expect(listenerConditions(result, 'main', 'https')).toEqual(expect.arrayContaining(SERVED));
});

test('no key is in the snapshot', () => {
  const { snapshot, statuses, issues } = withRefs(['name: rsa'], tlsSecret('rsa', RSA));
  const [, line = ''] = RSA.key.split('\n');
  expect(JSON.stringify({ snapshot, statuses, issues })).not.toContain(line);
});

test('stringData is read as data is', () => {
  const one = withRefs(['name: rsa'], tlsSecret('rsa', RSA));
  const other = withRefs(['name: rsa'], tlsSecret('rsa', RSA, { field: 'stringData' }));
  expect(saidOf(other)).toEqual([]);
  expect(other.snapshot.version).toBe(one.snapshot.version);
  expect(other.material).toEqual(one.material);
});

test('a renewed certificate is another version', () => {
  const versions = [RSA, EC].map((pair) => withRefs(['name: tls'], tlsSecret('tls', pair)).snapshot.version);
  expect(versions[0]).not.toBe(versions[1]);
});

test.each([
  ['name: gone', '', 'InvalidCertificateRef', 'there is no Secret default/gone'],
  ['name: tls', secret('tls', { 'tls.key': RSA.key }), 'InvalidCertificateRef', 'Secret default/tls has no tls.crt'],
  ['name: tls', secret('tls', { 'tls.crt': RSA.chain }), 'InvalidCertificateRef', 'Secret default/tls has no tls.key'],
  [
    'name: tls',
    tlsSecret('tls', { chain: EC.chain, key: ENCRYPTED_KEY }),
    'InvalidCertificateRef',
    'Secret default/tls: tls.key is encrypted: nobody could give its password, so store it without one',
  ],
  ['kind: ConfigMap, name: tls', '', 'InvalidCertificateRef', 'a ConfigMap holds no certificates'],
  ['group: example.com, name: tls', '', 'InvalidCertificateRef', 'a Secret of example.com holds no certificates'],
  [
    'name: tls, namespace: certificates',
    tlsSecret('tls', RSA, { namespace: 'certificates' }),
    'RefNotPermitted',
    'no ReferenceGrant in namespace certificates permits a reference from Gateway of namespace default to Secret certificates/tls',
  ],
])('without a certificate a listener is not served: { %s }', (ref, text, reason, message) => {
  const result = withRefs([ref], text);
  const path = 'warning spec.listeners[1].tls';
  expect(saidOf(result)).toEqual([
    `${path}: the listener is not served: it has no certificate`,
    `${path}.certificateRefs[0]: ${message}`,
  ]);
  expect(result.snapshot.listeners.map(({ name }) => name)).toEqual(['http']);
  expect(result.material.certificates).toEqual([]);
  expect(listenerConditions(result, 'main', 'https')).toEqual(
    expect.arrayContaining(['Programmed False Invalid', `ResolvedRefs False ${reason}`]),
  );
});

test('with one certificate left a listener is served, and says what is wrong with the others', () => {
  const result = withRefs(['name: gone', 'name: rsa'], tlsSecret('rsa', RSA));
  expect(saidOf(result)).toEqual(['warning spec.listeners[1].tls.certificateRefs[0]: there is no Secret default/gone']);
  expect(tlsOf(result, 'https')?.certificates).toEqual(result.material.certificates.map(({ id }) => id));
  expect(listenerConditions(result, 'main', 'https')).toEqual(
    expect.arrayContaining(['Programmed True Programmed', 'ResolvedRefs False InvalidCertificateRef']),
  );
});

test('a grant lets a Gateway use the Secrets of another namespace', () => {
  const from = 'group: gateway.networking.k8s.io, kind: Gateway, namespace: default';
  const permit = referenceGrant('certificates', from, 'group: "", kind: Secret');
  const text = tlsSecret('tls', RSA, { namespace: 'certificates' });
  const result = withRefs(['name: tls, namespace: certificates'], text, permit);
  expect(saidOf(result)).toEqual([]);
  expect(result.material.certificates[0]?.secret).toBe('certificates/tls');
});

test('an expired certificate is used, and said once at its Secret', () => {
  const listeners = [https('a', 443, 'name: old'), https('b', 8443, 'name: old')];
  const result = compile(gateway({ listeners }), tlsSecret('old', EXPIRED));
  expect(saidOf(result)).toEqual([
    'warning data["tls.crt"]: certificate "CN=old.example.com" has expired (Jan  1 00:00:00 2021 GMT)',
  ]);
  expect(result.snapshot.listeners).toHaveLength(2);
});

test('options of other implementations are not read', () => {
  const listener = https('https', 443, 'name: rsa').replace('tls: {', 'tls: { options: { example.com/min: "1.3" },');
  const result = compile(gateway({ listeners: [listener] }), tlsSecret('rsa', RSA));
  expect(saidOf(result)).toEqual(['warning spec.listeners[0].tls.options["example.com/min"]: is not read']);
});
