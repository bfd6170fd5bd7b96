/** Service chat with two ports, both used by a route, and the objects that TLS policies for it refer to. Tests only. */
import type { CompileResult } from '../snapshot/compile.js';
import type { BackendTlsSnapshot } from '../snapshot/tls.js';
import { CA, CLIENT, OTHER_CA } from './certificates.js';
import { documents, gateway, route, service } from './manifests.js';
import { configMap, secret, tlsSecret } from './tls-manifests.js';

export const PORTS = '{ name: web, port: 80 }, { name: tls, port: 443, targetPort: 8443 }';
export const BASE = documents(
  gateway(),
  route({ rules: ['backendRefs: [{ name: chat, port: 80 }, { name: chat, port: 443 }]'] }),
  service('chat', PORTS),
  configMap('ca', { 'ca.crt': CA }),
  secret('ca.bundle', { 'ca.crt': OTHER_CA }),
  tlsSecret('client', CLIENT),
);
/** A validation of the standard. */
export const STANDARD = 'hostname: chat.internal, caCertificateRefs: [{ group: "", kind: ConfigMap, name: ca }]';
export const VERIFY =
  'verify: { caCertificateRef: { group: "", kind: Secret, name: ca.bundle }, subjectAltName: backend.com }';
/** What a policy of the reference says. */
export const ALB = `default: { sni: backend.com, ${VERIFY} }`;

/** By port: the TLS of the service; `broken` when it is not reached. */
export function tlsOf({ snapshot }: CompileResult): Record<number, BackendTlsSnapshot | 'broken' | null> {
  const rule = snapshot.rules[0];
  return Object.fromEntries(
    (rule?.backends ?? []).map(({ service: place }, index) => {
      const port = index === 0 ? 80 : 443;
      return [port, place < 0 ? 'broken' : (snapshot.services[place]?.tls ?? null)];
    }),
  );
}
