/** Manifests of a Gateway with HTTPS listeners: what `manifests` describes, with TLS put in. */
import type { TlsCertificate } from '@sluice/dataplane/engine/tls-binding';
import { type Description, type Manifest, manifests } from './manifests.js';

export interface SecureListener {
  readonly name: string;
  readonly hostname?: string;
  /** Names of Secrets. */
  readonly secrets: readonly string[];
}

const NAMESPACE = 'test';

export function tlsSecret(name: string, { chain, key }: TlsCertificate): Manifest {
  const stringData = { 'tls.crt': chain, 'tls.key': key };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: NAMESPACE },
    type: 'kubernetes.io/tls',
    stringData,
  };
}

/** A Secret that names files: annotations without their prefix. */
export function fileSecret(name: string, files: Readonly<Record<string, string>>): Manifest {
  const annotations = Object.fromEntries(Object.entries(files).map(([key, path]) => [`sluice.dev/${key}`, path]));
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: NAMESPACE, annotations } };
}

export function authoritySecret(name: string, certificate: string): Manifest {
  const stringData = { 'ca.crt': certificate };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: NAMESPACE }, type: 'Opaque', stringData };
}

/** `spec` of an AGC policy for TLS. */
export function tlsPolicy(kind: 'FrontendTLSPolicy' | 'BackendTLSPolicy', name: string, spec: Manifest): Manifest {
  return { apiVersion: 'alb.networking.azure.io/v1', kind, metadata: { name, namespace: NAMESPACE }, spec };
}

/** A service's backends are reached over TLS: verified by the Secret `ca`, for this name, which is sent as server name too. */
export function verifiedBackends(service: string, name: string): Manifest {
  const verify = { caCertificateRef: { group: '', kind: 'Secret', name: 'ca' }, subjectAltName: name };
  const targetRef = { group: '', kind: 'Service', name: service };
  return tlsPolicy('BackendTLSPolicy', service, { targetRef, default: { sni: name, verify } });
}

/** All listeners on port 443. */
export function secureManifests(
  listeners: readonly SecureListener[],
  services: Description['services'],
  more: readonly Manifest[],
  routes?: Description['routes'],
  gatewayAnnotations: Description['gatewayAnnotations'] = {},
): string {
  const secured = listeners.map((listener) => ({ ...listener, port: 443 }));
  const routed = routes === undefined ? {} : { routes };
  return manifests({ listeners: secured, services, more, gatewayAnnotations, ...routed });
}
