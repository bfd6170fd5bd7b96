/**
 * How the backends of a service are reached over TLS: the BackendTLSPolicies of both groups, by service and port.
 *
 * Invariant: never plain text by mistake. A policy that cannot be honoured leaves its ports unreachable, with the reason,
 * and the requests for them are answered with 500. A policy for a port beats one for the whole Service; of two for the same
 * the older counts, then the standard's, then the first by name. Pure but for what it says and for the material in use.
 */
import { type Resource, resourceName, type Service } from '../resources/resource.js';
import { compareAges } from './age.js';
import { readAlbPolicy } from './backend-tls-alb.js';
import type { BackendTls, BackendTlsClaim, BackendTlsFault, BackendTlsParts } from './backend-tls-claim.js';
import { readStandardPolicy } from './backend-tls-standard.js';
import type { CompileContext } from './context.js';
import type { BackendTlsSnapshot } from './tls.js';

export interface BackendTlsIndex {
  /** null: plain TCP. */
  of(service: Service, port: number): BackendTlsSnapshot | BackendTlsFault | null;
}

export function indexBackendTls(parts: BackendTlsParts): BackendTlsIndex {
  const { backendTlsPolicies, albBackendTlsPolicies } = parts.context.resources;
  const standard = backendTlsPolicies.map((policy) => ({ policy, read: () => readStandardPolicy(policy, parts) }));
  const alb = albBackendTlsPolicies.map((policy) => ({ policy, read: () => readAlbPolicy(policy, parts) }));
  // A stable sort: of the same age and name the standard's comes first.
  const readers = [...standard, ...alb].sort((a, b) => compareClaims(a.policy, b.policy));
  const claims = new Map<string, BackendTlsClaim>();
  for (const claim of readers.flatMap(({ read }) => read())) {
    const key = keyOf(claim.service, claim.port);
    const first = claims.get(key);
    if (first === undefined) claims.set(key, claim);
    else claim.conflict(first.policy);
  }
  return {
    of(service, port) {
      const name = resourceName(service);
      const claim = claims.get(keyOf(name, port)) ?? claims.get(keyOf(name, null));
      return claim === undefined ? null : snapshotOf(claim.tls, parts.context);
    },
  };
}

function keyOf(service: string, port: number | null): string {
  return `${service} ${port ?? '*'}`;
}

/** Of one age, the standard's before the reference's. */
function compareClaims(a: Resource<unknown>, b: Resource<unknown>): number {
  if (a.createdAtMs !== b.createdAtMs || a.group === b.group) return compareAges(a, b);
  return a.group === 'gateway.networking.k8s.io' ? -1 : 1;
}

function snapshotOf(
  tls: BackendTls | BackendTlsFault,
  { material }: CompileContext,
): BackendTlsSnapshot | BackendTlsFault {
  if ('broken' in tls) return tls;
  const { policy, sni, subjectAltNames, authority, clientCertificate } = tls;
  return {
    policy,
    sni,
    subjectAltNames,
    authority: typeof authority === 'string' ? authority : material.authority(authority),
    clientCertificate: clientCertificate === null ? '' : material.certificate(clientCertificate),
  };
}
