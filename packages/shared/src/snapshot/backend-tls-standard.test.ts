import { expect, test } from 'vitest';
import { BASE, STANDARD, tlsOf } from '../testing/backend-tls-scene.js';
import { CA, OTHER_CA } from '../testing/certificates.js';
import { compile, policy } from '../testing/manifests.js';
import { briefConditions, statusOf } from '../testing/statuses.js';
import { backendTls, configMap, saidOf } from '../testing/tls-manifests.js';

const FINE = ['Accepted True Accepted', 'ResolvedRefs True ResolvedRefs'];

/** Of each target of a policy of the standard. */
function targetsOf(result: ReturnType<typeof compile>): string[][] {
  const { ancestors } = statusOf(result, 'BackendTLSPolicy', 'policy');
  return (ancestors ?? []).map(({ conditions }) => briefConditions(conditions));
}

test("a policy of the standard: its hostname is the server's name and the name to verify", () => {
  const result = compile(BASE, backendTls(STANDARD));
  expect(saidOf(result)).toEqual([]);
  const [authority] = result.material.authorities;
  expect(authority?.certificates).toBe(CA);
  const tls = {
    policy: 'default/policy',
    sni: 'chat.internal',
    subjectAltNames: ['chat.internal'],
    authority: authority?.id,
    clientCertificate: '',
  };
  expect(tlsOf(result)).toEqual({ 80: tls, 443: tls });
  expect(targetsOf(result)).toEqual([FINE]);
});

test('with subjectAltNames the hostname is the name that is sent alone', () => {
  const names = '[{ type: Hostname, hostname: a.com }, { type: URI, uri: "spiffe://a.com/chat" }]';
  const result = compile(
    BASE,
    backendTls(`hostname: b.com, wellKnownCACertificates: System, subjectAltNames: ${names}`),
  );
  expect(tlsOf(result)[80]).toMatchObject({
    sni: 'b.com',
    subjectAltNames: ['a.com', 'spiffe://a.com/chat'],
    authority: 'system',
  });
  expect(result.material.authorities).toEqual([]);
});

test('a sectionName is the name of a port', () => {
  const result = compile(BASE, backendTls(STANDARD, {}, 'name: chat, sectionName: tls'));
  expect(tlsOf(result)).toMatchObject({ 80: null, 443: { policy: 'default/policy' } });
  expect(targetsOf(result)).toEqual([FINE]);
});

test('several authorities are one', () => {
  const refs = '[{ group: "", kind: ConfigMap, name: ca }, { group: "", kind: Secret, name: ca.bundle }]';
  const result = compile(BASE, backendTls(`hostname: a.com, caCertificateRefs: ${refs}`));
  expect(result.material.authorities.map(({ certificates }) => certificates)).toEqual([CA + OTHER_CA]);
});

test.each([
  ['kind: ConfigMap, name: gone', 'InvalidCACertificateRef', 'there is no ConfigMap default/gone'],
  ['kind: ConfigMap, name: junk', 'InvalidCACertificateRef', 'ConfigMap default/junk has no ca.crt'],
  ['kind: Service, name: chat', 'InvalidKind', 'a Service holds no certificates'],
])('without an authority a service is not reached: { %s }', (ref, reason, message) => {
  const refs = `[{ group: "", ${ref} }]`;
  const text = backendTls(`hostname: a.com, caCertificateRefs: ${refs}`, {}, 'name: chat, sectionName: tls');
  const result = compile(BASE, configMap('junk', { 'tls.crt': CA }), text);
  expect(tlsOf(result)).toEqual({ 80: null, 443: 'broken' });
  const end = 'requests for it are answered with 500';
  expect(saidOf(result)).toEqual([
    `warning spec.rules[0].backendRefs[1]: BackendTLSPolicy default/policy cannot be honoured: ${message}: its share of the requests is answered with 500`,
    `warning spec.validation.caCertificateRefs[0]: ${message}: the Service is not reached, and ${end}`,
  ]);
  expect(targetsOf(result)).toEqual([['Accepted False NoValidCACertificate', `ResolvedRefs False ${reason}`]]);
});

test('with one authority left a service is reached', () => {
  const refs = '[{ group: "", kind: ConfigMap, name: gone }, { group: "", kind: ConfigMap, name: ca }]';
  const result = compile(BASE, backendTls(`hostname: a.com, caCertificateRefs: ${refs}`));
  expect(result.material.authorities.map(({ certificates }) => certificates)).toEqual([CA]);
  expect(targetsOf(result)).toEqual([['Accepted True Accepted', 'ResolvedRefs False InvalidCACertificateRef']]);
});

test.each([
  ['name: gone', 'TargetNotFound', 'name: there is no Service default/gone: the policy does nothing'],
  [
    'name: chat, sectionName: gone',
    'TargetNotFound',
    'sectionName: Service default/chat has no port named "gone": the policy does nothing',
  ],
])('a target that is not there is said: { %s }', (target, reason, said) => {
  const result = compile(BASE, backendTls(STANDARD, {}, target));
  expect(saidOf(result)).toEqual([`warning spec.targetRefs[0].${said}`]);
  expect(targetsOf(result)).toEqual([[`Accepted False ${reason}`, 'ResolvedRefs True ResolvedRefs']]);
});

test('a target of another kind is none', () => {
  const spec = `targetRefs: [{ group: example.com, kind: Backend, name: a }], validation: { ${STANDARD} }`;
  const result = compile(BASE, policy('BackendTLSPolicy', spec, {}, 'gateway.networking.k8s.io'));
  const message = 'a Backend of example.com is no target of this policy: use a Service';
  expect(saidOf(result)).toEqual([`warning spec.targetRefs[0].kind: ${message}`]);
  expect(targetsOf(result)).toEqual([['Accepted False Invalid', 'ResolvedRefs True ResolvedRefs']]);
});
