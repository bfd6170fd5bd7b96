import { expect, test } from 'vitest';
import { marked, parse } from '../testing/manifests.js';

const manifest = (apiVersion: string, kind: string, spec: string) =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: a, namespace: n }\nspec: { ${spec} }`;
const standard = (spec: string) => manifest('gateway.networking.k8s.io/v1', 'BackendTLSPolicy', spec);
const backend = (spec: string) =>
  manifest(
    'alb.networking.azure.io/v1',
    'BackendTLSPolicy',
    `targetRef: { group: "", kind: Service, name: a, namespace: n }, ${spec}`,
  );
const frontend = (target: string, spec: string) =>
  manifest(
    'alb.networking.azure.io/v1',
    'FrontendTLSPolicy',
    `targetRef: { group: gateway.networking.k8s.io, kind: Gateway, name: g, ${target} }, ${spec}`,
  );

const TARGET = 'targetRefs: [{ group: "", kind: Service, name: a, sectionName: ws }]';

test('BackendTLSPolicy of the standard', () => {
  const validation =
    'validation: { caCertificateRefs: [{ kind: ConfigMap, name: ca }], hostname: a.b, subjectAltNames: [{ type: URI, uri: spiffe://a/b }] }';
  const { resources, issues } = parse(standard(`${TARGET}, ${validation}, options: { a: b }`));
  expect(issues).toEqual([]);
  expect(resources.backendTlsPolicies[0]?.spec).toEqual({
    targetRefs: [{ group: '', kind: 'Service', name: 'a', sectionName: 'ws' }],
    validation: {
      caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }],
      hostname: 'a.b',
      subjectAltNames: [{ type: 'URI', uri: 'spiffe://a/b' }],
    },
    options: { a: 'b' },
  });
});

test.each([
  [
    'targetRefs: §[], validation: { hostname: a.b, wellKnownCACertificates: System }',
    'targetRefs',
    'must have at least one target',
  ],
  [`${TARGET}, validation: §{ hostname: a.b }`, 'validation.caCertificateRefs', 'must name at least one ConfigMap'],
  [
    `${TARGET}, validation: { wellKnownCACertificates: System, hostname: §"*.b" }`,
    'validation.hostname',
    '"*.b" is a wildcard',
  ],
  [`${TARGET}, validation: §{ wellKnownCACertificates: System }`, 'validation.hostname', 'is required'],
  [
    `${TARGET}, validation: { hostname: a.b, caCertificateRefs: [{ kind: Secret, name: a }], wellKnownCACertificates: §System }`,
    'validation.wellKnownCACertificates',
    'must not stand beside caCertificateRefs',
  ],
  [
    `${TARGET}, validation: { hostname: a.b, wellKnownCACertificates: System, subjectAltNames: [§{ type: Hostname }] }`,
    'validation.subjectAltNames[0].hostname',
    'is required with type: Hostname',
  ],
  [
    `${TARGET}, validation: { hostname: a.b, wellKnownCACertificates: System, subjectAltNames: [{ type: Hostname, hostname: a, uri: §x:y }] }`,
    'validation.subjectAltNames[0].uri',
    'must not be there with type: Hostname',
  ],
])('BackendTLSPolicy of the standard { %s }', (spec, path, message) => {
  const { text, line, column } = marked(standard(spec));
  expect(parse(text).issues).toMatchObject([{ severity: 'error', line, column, path: `spec.${path}`, message }]);
});

test('BackendTLSPolicy of the reference', () => {
  const config =
    'sni: backend.com, ports: [{ port: 443 }], clientCertificateRef: { name: c, group: "", kind: Secret }, ' +
    'verify: { caCertificateRef: { name: ca.bundle, group: "", kind: Secret, namespace: m }, subjectAltName: backend.com }';
  const { resources, issues } = parse(backend(`default: { ${config} }, override: { sni: x.y }`));
  expect(issues).toEqual([]);
  expect(resources.albBackendTlsPolicies[0]?.spec).toMatchObject({
    targetRef: { name: 'a', namespace: 'n' },
    default: {
      sni: 'backend.com',
      ports: [{ port: 443 }],
      clientCertificateRef: { group: '', kind: 'Secret', name: 'c' },
      verify: { caCertificateRef: { name: 'ca.bundle', namespace: 'm' }, subjectAltName: 'backend.com' },
    },
    override: { sni: 'x.y' },
  });
});

test.each([
  ['default: { sni: §"a b" }', 'default.sni', '"a b" is not a hostname'],
  ['default: { ports: [§443] }', 'default.ports[0]', 'must be a mapping, not the number 443'],
  ['default: { verify: { caCertificateRef: §{} } }', 'default.verify.caCertificateRef.name', 'is required'],
  ['default: { verify: { §subjectAltNames: [a] } }', 'default.verify.subjectAltNames', 'unknown field'],
  ['override: { §cipher: a }', 'override.cipher', 'unknown field'],
])('BackendTLSPolicy of the reference { %s }', (spec, path, message) => {
  const { text, line, column } = marked(backend(spec));
  expect(parse(text).issues).toMatchObject([{ severity: 'error', line, column, path: `spec.${path}`, message }]);
});

test('FrontendTLSPolicy: a target of another group is no Gateway', () => {
  const text = manifest(
    'alb.networking.azure.io/v1',
    'FrontendTLSPolicy',
    'targetRef: { group: a.b, kind: Gateway, name: g }',
  );
  expect(parse(text).issues).toMatchObject([
    { path: 'spec.targetRef.group', message: '"a.b" is not a value of this field' },
  ]);
});

test('FrontendTLSPolicy: listeners by either name of the field', () => {
  const verify = 'verify: { caCertificateRef: { name: ca, group: "", kind: Secret, namespace: n } }';
  for (const field of ['sectionNames', 'listeners']) {
    const { resources, issues } = parse(
      frontend(
        `namespace: n, ${field}: [https]`,
        `default: { ${verify}, policyType: { type: predefined, name: 2023-06-S } }`,
      ),
    );
    expect(issues).toEqual([]);
    expect(resources.frontendTlsPolicies[0]?.spec).toEqual({
      targetRef: {
        group: 'gateway.networking.k8s.io',
        kind: 'Gateway',
        name: 'g',
        namespace: 'n',
        sectionNames: ['https'],
      },
      default: {
        verify: { caCertificateRef: { group: '', kind: 'Secret', name: 'ca', namespace: 'n' } },
        policyType: { type: 'predefined', name: '2023-06-S' },
      },
      override: {},
    });
  }
});

test.each([
  ['sectionNames: [a], listeners: §[b]', 'default: {}', 'targetRef.listeners', 'must not stand beside sectionNames'],
  [
    '',
    'default: { policyType: { type: §custom, name: 2023-06 } }',
    'default.policyType.type',
    '"custom" is not a value of this field',
  ],
  [
    '',
    'default: { policyType: { name: §2023-07 } }',
    'default.policyType.name',
    '"2023-07" is not a value of this field',
  ],
  ['', 'default: { verify: §{} }', 'default.verify.caCertificateRef', 'is required'],
])('FrontendTLSPolicy { %s } { %s }', (target, spec, path, message) => {
  const { text, line, column } = marked(frontend(target, spec));
  expect(parse(text).issues).toMatchObject([{ severity: 'error', line, column, path: `spec.${path}`, message }]);
});

test('a ReferenceGrant says who may refer to what', () => {
  const grant = (version: string, spec: string) =>
    manifest(`gateway.networking.k8s.io/${version}`, 'ReferenceGrant', spec);
  const spec =
    'from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: b }], to: [{ group: "", kind: Service }]';
  for (const version of ['v1', 'v1beta1', 'v1alpha2']) {
    const { resources, issues } = parse(grant(version, spec));
    expect(issues).toEqual([]);
    expect(resources.referenceGrants[0]?.spec.to).toEqual([{ group: '', kind: 'Service' }]);
  }
  expect(parse(grant('v1', 'from: [{ kind: A }], to: []')).issues.map(({ path, message }) => [path, message])).toEqual([
    ['spec.from[0].group', 'is required'],
    ['spec.from[0].namespace', 'is required'],
    ['spec.to', 'must have at least one entry'],
  ]);
});
