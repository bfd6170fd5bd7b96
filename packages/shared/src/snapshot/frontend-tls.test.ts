import { expect, test } from 'vitest';
import { CA, OTHER_CA, RSA, WILDCARD } from '../testing/certificates.js';
import { compile, documents, gateway } from '../testing/manifests.js';
import { conditionsOf, listenerConditions } from '../testing/statuses.js';
import { frontendTls, saidOf, secret, tlsSecret } from '../testing/tls-manifests.js';
import { PREDEFINED_VERSIONS } from './tls-versions.js';

const HTTPS = 'protocol: HTTPS, tls: { certificateRefs: [{ name: rsa }] }';
const LISTENERS = [
  'name: http, port: 80, protocol: HTTP',
  `name: a, port: 443, ${HTTPS}`,
  `name: b, port: 8443, ${HTTPS}`,
];
const BASE = [gateway({ listeners: LISTENERS }), tlsSecret('rsa', RSA)];

function tlsOf({ snapshot }: ReturnType<typeof compile>, listener: string) {
  return snapshot.listeners.find(({ name }) => name === listener)?.tls;
}

const VERIFY = 'default: { verify: { caCertificateRef: { kind: Secret, group: "", name: ca.bundle } } }';
const AUTHORITY = secret('ca.bundle', { 'ca.crt': CA });
const ACCEPTED = ['Accepted True Accepted', 'ResolvedRefs True ResolvedRefs'];

test("the reference documentation's policy asks the clients of the named listener for a certificate", () => {
  const result = compile(
    ...BASE,
    AUTHORITY,
    frontendTls(VERIFY, {}, 'name: main, namespace: default, sectionNames: [a]'),
  );
  expect(saidOf(result)).toEqual([]);
  const [authority] = result.material.authorities;
  expect(authority?.certificates).toBe(CA);
  expect(tlsOf(result, 'a')?.clientAuth).toEqual({ policy: 'default/policy', authority: authority?.id });
  expect(tlsOf(result, 'b')?.clientAuth).toBeNull();
  expect(conditionsOf(result, 'FrontendTLSPolicy', 'policy')).toEqual(ACCEPTED);
});

test('without sectionNames a policy is for all HTTPS listeners of its Gateway', () => {
  const result = compile(...BASE, AUTHORITY, frontendTls(VERIFY));
  expect(saidOf(result)).toEqual([]);
  expect(['a', 'b'].map((name) => tlsOf(result, name)?.clientAuth?.policy)).toEqual([
    'default/policy',
    'default/policy',
  ]);
});

test('a listener whose protocol is written in other letters is HTTPS all the same, and never open', () => {
  const listeners = [`name: a, port: 443, ${HTTPS}`, `name: b, port: 8443, ${HTTPS.replace('HTTPS', 'https')}`];
  const base = [gateway({ listeners }), tlsSecret('rsa', RSA), AUTHORITY];
  const ofAll = compile(...base, frontendTls(VERIFY));
  expect(['a', 'b'].map((name) => tlsOf(ofAll, name)?.clientAuth?.policy)).toEqual([
    'default/policy',
    'default/policy',
  ]);
  const named = compile(...base, frontendTls(VERIFY, {}, 'name: main, sectionNames: [b]'));
  expect(saidOf(named)).toEqual([]);
  expect(tlsOf(named, 'b')?.clientAuth?.policy).toBe('default/policy');
});

test.each(['2023-06', '2023-06-S'] as const)('the predefined policy %s', (name) => {
  const result = compile(...BASE, frontendTls(`default: { policyType: { type: predefined, name: ${name} } }`));
  expect(saidOf(result)).toEqual([]);
  expect(tlsOf(result, 'a')).toMatchObject({ ...PREDEFINED_VERSIONS[name], clientAuth: null });
});

test('override wins', () => {
  const over = 'override: { policyType: { name: 2023-06-S }, verify: { caCertificateRef: { name: other } } }';
  const text = frontendTls(`${VERIFY}, ${over}`);
  const result = compile(...BASE, AUTHORITY, secret('other', { 'ca.crt': OTHER_CA }), text);
  expect(result.material.authorities.map(({ certificates }) => certificates)).toEqual([OTHER_CA]);
  expect(tlsOf(result, 'a')).toMatchObject(PREDEFINED_VERSIONS['2023-06-S']);
});

test.each([
  ['InvalidCertificateRef', 'there is no Secret default/ca.bundle', ''],
  ['InvalidCertificateRef', 'Secret default/ca.bundle has no ca.crt', secret('ca.bundle', { 'tls.crt': CA })],
  [
    'InvalidCertificateRef',
    'Secret default/ca.bundle: ca.crt holds no certificate (PEM, "-----BEGIN CERTIFICATE-----")',
    secret('ca.bundle', { 'ca.crt': WILDCARD.key }),
  ],
])('an authority that cannot be read closes the listeners of its policy: %s, %s', (reason, message, text) => {
  const result = compile(documents(...BASE, text, frontendTls(VERIFY, {}, 'name: main, sectionNames: [a]')));
  const closed = `the listener is not served: FrontendTLSPolicy default/policy cannot be honoured: ${message}`;
  expect(saidOf(result)).toEqual([
    `warning spec.listeners[1].tls: ${closed}`,
    `warning spec.default.verify.caCertificateRef: ${message}: its listeners are not served`,
  ]);
  expect(result.snapshot.listeners.map(({ name }) => name)).toEqual(['http', 'b']);
  expect(listenerConditions(result, 'main', 'a')).toContain('Programmed False Invalid');
  expect(conditionsOf(result, 'FrontendTLSPolicy', 'policy')).toEqual([
    'Accepted False InvalidFrontendTLSPolicy',
    `ResolvedRefs False ${reason}`,
  ]);
});

test.each([
  ['kind: ConfigMap, name: ca.bundle', 'InvalidKind'],
  ['name: ca.bundle, namespace: other', 'RefNotPermitted'],
])('so does a reference to { %s }', (ref, reason) => {
  const text = frontendTls(`default: { verify: { caCertificateRef: { ${ref} } } }`);
  const result = compile(...BASE, AUTHORITY, text);
  expect(result.snapshot.listeners.map(({ name }) => name)).toEqual(['http']);
  expect(conditionsOf(result, 'FrontendTLSPolicy', 'policy')).toContain(`ResolvedRefs False ${reason}`);
});

test.each([
  ['name: gone', 'name', 'there is no Gateway default/gone: the policy does nothing', 'InvalidGateway'],
  [
    'name: main, sectionNames: [a, c]',
    'sectionNames[1]',
    'no listener of Gateway default/main has the name "c"',
    'InvalidName',
  ],
  ['name: main, sectionNames: [http]', 'sectionNames[0]', 'listener "http" of Gateway default/main is not HTTPS', ''],
])('whom a policy means must be told when it verifies: { %s }', (target, field, message, reason) => {
  const open = 'clients would not have to show a certificate';
  const verifying = compile(...BASE, AUTHORITY, frontendTls(VERIFY, {}, target));
  expect(saidOf(verifying)).toEqual([`error spec.targetRef.${field}: ${message}: ${open}`]);
  const other = compile(...BASE, frontendTls('default: { policyType: { name: 2023-06 } }', {}, target));
  expect(saidOf(other)).toEqual([`warning spec.targetRef.${field}: ${message}`]);
  expect(conditionsOf(other, 'FrontendTLSPolicy', 'policy')).toEqual([
    'Accepted False InvalidFrontendTLSPolicy',
    reason === '' ? 'ResolvedRefs True ResolvedRefs' : `ResolvedRefs False ${reason}`,
  ]);
});

test('a Gateway without an HTTPS listener has none to ask', () => {
  const result = compile(gateway(), AUTHORITY, frontendTls(VERIFY));
  const message =
    'no listener of Gateway default/main has protocol: HTTPS: clients would not have to show a certificate';
  expect(saidOf(result)).toEqual([`error spec.targetRef: ${message}`]);
});

test('a policy of another namespace closes nothing without a grant, and is an error when it verifies', () => {
  const text = frontendTls(VERIFY, { namespace: 'other' }, 'name: main, namespace: default');
  const result = compile(...BASE, text);
  expect(saidOf(result).filter((said) => said.startsWith('error'))).toHaveLength(1);
  expect(result.snapshot.listeners).toHaveLength(3);
  expect(conditionsOf(result, 'FrontendTLSPolicy', 'other/policy')).toContain('ResolvedRefs False RefNotPermitted');
});

test.each([
  ['default: { policyType: { name: 2023-06 } }', VERIFY, 'error'],
  [VERIFY, 'default: { policyType: { name: 2023-06 } }', 'warning'],
  [VERIFY, VERIFY, 'warning'],
])('of two policies for one listener the older counts: { %s } and { %s }', (first, second, severity) => {
  const old = frontendTls(first, { name: 'z', created: '2026-01-01T00:00:00Z' }, 'name: main, sectionNames: [a]');
  const young = frontendTls(second, { name: 'a', created: '2026-02-01T00:00:00Z' });
  const result = compile(...BASE, AUTHORITY, old, young);
  const said = saidOf(result);
  expect(said).toHaveLength(1);
  expect(said[0]).toContain(
    `${severity} spec.targetRef: listener "a" of Gateway default/main already has FrontendTLSPolicy default/z`,
  );
  expect(conditionsOf(result, 'FrontendTLSPolicy', 'a')).toContain('Accepted False Conflicted');
  const policies = ['a', 'b'].map((name) => tlsOf(result, name)?.clientAuth?.policy);
  expect(policies).toEqual([first === VERIFY ? 'default/z' : undefined, second === VERIFY ? 'default/a' : undefined]);
});
