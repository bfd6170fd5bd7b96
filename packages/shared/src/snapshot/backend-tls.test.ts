import { expect, test } from 'vitest';
import { ALB, BASE, PORTS, STANDARD, tlsOf, VERIFY } from '../testing/backend-tls-scene.js';
import { CA } from '../testing/certificates.js';
import { compile, documents, gateway, healthCheck, service } from '../testing/manifests.js';
import { briefConditions, statusOf } from '../testing/statuses.js';
import { albBackendTls, backendTls, configMap, saidOf } from '../testing/tls-manifests.js';

test('without a policy connections are plain TCP', () => expect(tlsOf(compile(BASE))).toEqual({ 80: null, 443: null }));

const OLD = { name: 'z', created: '2026-01-01T00:00:00Z' };
const YOUNG = { name: 'a', created: '2026-02-01T00:00:00Z' };

test.each([
  ['the standard and the reference', backendTls(STANDARD, OLD), albBackendTls(ALB, YOUNG)],
  ['the reference and the standard', albBackendTls(ALB, OLD), backendTls(STANDARD, YOUNG)],
  ['two of the standard', backendTls(STANDARD, OLD), backendTls(STANDARD, YOUNG)],
  ['two of the reference', albBackendTls(ALB, OLD), albBackendTls(ALB, YOUNG)],
  [
    'two without a time, the standard and the reference',
    backendTls(STANDARD, { name: 'z' }),
    albBackendTls(ALB, { name: 'a' }),
  ],
])('of two policies for one Service the older counts: %s', (_what, old, young) => {
  const result = compile(BASE, young, old);
  expect(tlsOf(result)).toMatchObject({ 80: { policy: 'default/z' }, 443: { policy: 'default/z' } });
  expect(saidOf(result)).toEqual([
    expect.stringMatching(/^warning .*: Service default\/chat already has BackendTLSPolicy default\/z$/),
  ]);
  const loser = statusOf(result, 'BackendTLSPolicy', 'a');
  expect(briefConditions(loser.conditions ?? loser.ancestors?.[0]?.conditions ?? [])).toEqual([
    'Accepted False Conflicted',
    'ResolvedRefs True ResolvedRefs',
  ]);
});

test('a policy for a port beats one for the whole Service, whatever their age, and is no conflict', () => {
  const port = albBackendTls(`default: { sni: backend.com, ports: [{ port: 443 }], ${VERIFY} }`, YOUNG);
  const result = compile(BASE, backendTls(STANDARD, OLD), port);
  expect(saidOf(result)).toEqual([]);
  expect(tlsOf(result)).toMatchObject({ 80: { policy: 'default/z' }, 443: { policy: 'default/a' } });
});

test('a broken policy keeps its place: a younger one that is well does not take it', () => {
  const broken = albBackendTls('default: { verify: {} }', OLD);
  expect(tlsOf(compile(BASE, broken, backendTls(STANDARD, YOUNG)))).toEqual({ 80: 'broken', 443: 'broken' });
});

test('a service that nobody uses has no material', () => {
  const result = compile(gateway(), service('chat', PORTS), configMap('ca', { 'ca.crt': CA }), backendTls(STANDARD));
  expect(result.material).toEqual({ certificates: [], authorities: [] });
});

test.each([
  ['', true, true],
  [healthCheck('default: {}'), true, true],
  [healthCheck('default: { port: 8443 }'), false, true],
  [healthCheck('default: { port: 80 }'), true, false],
  [healthCheck('default: { port: 9999 }'), false, false],
  [healthCheck('default: { port: 9999, useTLS: true }'), true, true],
  [healthCheck('default: { useTLS: false }'), false, false],
  [healthCheck('default: { protocol: TCP }'), false, false],
])('probes of a service with TLS speak it on its own port: %s', (text, web, tls) => {
  const { snapshot } = compile(documents(BASE, backendTls(STANDARD), text));
  expect(snapshot.services.map(({ probe }) => probe.tls)).toEqual([web, tls]);
});
