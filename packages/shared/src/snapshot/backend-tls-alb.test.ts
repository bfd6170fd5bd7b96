import { expect, test } from 'vitest';
import { ALB, BASE, tlsOf, VERIFY } from '../testing/backend-tls-scene.js';
import { CA, CLIENT, OTHER_CA } from '../testing/certificates.js';
import { compile, referenceGrant } from '../testing/manifests.js';
import { conditionsOf } from '../testing/statuses.js';
import { albBackendTls, saidOf, secret } from '../testing/tls-manifests.js';

const FINE = ['Accepted True Accepted', 'ResolvedRefs True ResolvedRefs'];

test("the reference documentation's backend mTLS policy", () => {
  const client = 'clientCertificateRef: { name: client, group: "", kind: Secret }';
  const result = compile(
    BASE,
    albBackendTls(`default: { sni: backend.com, ports: [{ port: 443 }], ${client}, ${VERIFY} }`),
  );
  expect(saidOf(result)).toEqual([]);
  const { certificates, authorities } = result.material;
  expect([certificates[0]?.chain, authorities[0]?.certificates]).toEqual([CLIENT.chain, OTHER_CA]);
  expect(tlsOf(result)).toEqual({
    80: null,
    443: {
      policy: 'default/policy',
      sni: 'backend.com',
      subjectAltNames: ['backend.com'],
      authority: authorities[0]?.id,
      clientCertificate: certificates[0]?.id,
    },
  });
  expect(conditionsOf(result, 'BackendTLSPolicy', 'policy')).toEqual(FINE);
});

test("the reference documentation's end-to-end TLS policy verifies nothing, which is a warning", () => {
  const result = compile(BASE, albBackendTls('default: { sni: contoso.xyz, ports: [{ port: 443 }] }'));
  expect(tlsOf(result)[443]).toMatchObject({ sni: 'contoso.xyz', subjectAltNames: [], authority: 'none' });
  expect(saidOf(result)).toEqual([
    'warning spec: the certificates of the backends are not verified: anybody on the way can be one',
  ]);
  expect(conditionsOf(result, 'BackendTLSPolicy', 'policy')).toEqual(FINE);
});

test.each([
  ['default: { sni: a.com, verify: {} }', { sni: 'a.com', subjectAltNames: ['a.com'], authority: 'system' }],
  [
    'default: { sni: a.com, verify: { subjectAltName: "spiffe://a" } }, override: { sni: b.com }',
    { sni: 'b.com', subjectAltNames: ['spiffe://a'], authority: 'system' },
  ],
])('{ %s }', (spec, tls) => expect(tlsOf(compile(BASE, albBackendTls(spec)))[80]).toMatchObject(tls));

test.each([
  [
    `default: { ports: [{ port: 443 }], verify: { caCertificateRef: { name: ca.bundle } } }`,
    'default.verify',
    'there is no name to verify the backends by',
    'ResolvedRefs True ResolvedRefs',
  ],
  [
    `default: { ports: [{ port: 443 }], sni: a.com, verify: { caCertificateRef: { name: gone } } }`,
    'default.verify.caCertificateRef',
    'there is no Secret default/gone',
    'ResolvedRefs False InvalidCertificateRef',
  ],
  [
    'default: { ports: [{ port: 443 }], verify: { caCertificateRef: { name: gone } } }, override: { verify: { subjectAltName: a } }',
    'default.verify.caCertificateRef',
    'there is no Secret default/gone',
    'ResolvedRefs False InvalidCertificateRef',
  ],
  [
    `default: { ports: [{ port: 443 }], sni: a.com, verify: { caCertificateRef: { kind: ConfigMap, name: ca } } }`,
    'default.verify.caCertificateRef',
    'a ConfigMap holds no certificates',
    'ResolvedRefs False InvalidKind',
  ],
  [
    `default: { ports: [{ port: 443 }] }, override: { clientCertificateRef: { name: ca.bundle } }`,
    'override.clientCertificateRef',
    'Secret default/ca.bundle has no tls.crt',
    'ResolvedRefs False InvalidCertificateRef',
  ],
])('a policy that cannot be honoured leaves its ports unreachable: %s', (spec, path, message, resolved) => {
  const result = compile(BASE, albBackendTls(spec));
  expect(tlsOf(result)).toEqual({ 80: null, 443: 'broken' });
  expect(saidOf(result)).toContain(
    `warning spec.${path}: ${message}: the Service is not reached, and requests for it are answered with 500`,
  );
  expect(conditionsOf(result, 'BackendTLSPolicy', 'policy')).toEqual([
    'Accepted False InvalidBackendTLSPolicy',
    resolved,
  ]);
});

test.each([
  ['name: gone', 'ServiceNotFound', 'default/policy'],
  ['name: chat, namespace: default', 'RefNotPermitted', 'other/policy'],
])('a target that a policy may not have is left as it is: { %s }', (target, reason, name) => {
  const namespace = name.split('/')[0] ?? '';
  const result = compile(BASE, albBackendTls(ALB, { namespace }, target));
  expect(tlsOf(result)).toEqual({ 80: null, 443: null });
  expect(conditionsOf(result, 'BackendTLSPolicy', name)).toEqual([
    'Accepted False InvalidBackendTLSPolicy',
    `ResolvedRefs False ${reason}`,
  ]);
});

test('a grant lets a policy of another namespace be for a Service, with the Secrets of its own', () => {
  const from = 'group: alb.networking.azure.io, kind: BackendTLSPolicy, namespace: other';
  const texts = [
    referenceGrant('default', from, 'group: "", kind: Service'),
    secret('ca.bundle', { 'ca.crt': CA }, { namespace: 'other' }),
    albBackendTls(ALB, { namespace: 'other' }, 'name: chat, namespace: default'),
  ];
  const result = compile(BASE, ...texts);
  expect(saidOf(result)).toEqual([]);
  expect(result.material.authorities.map(({ certificates }) => certificates)).toEqual([CA]);
});

test('a port that the Service does not have is a warning', () => {
  const result = compile(
    BASE,
    albBackendTls(`default: { sni: a.com, ports: [{ port: 443 }, { port: 444 }], ${VERIFY} }`),
  );
  expect(saidOf(result)).toEqual([
    'warning spec.default.ports[1].port: Service default/chat has no port 444: the policy does nothing there',
  ]);
});
