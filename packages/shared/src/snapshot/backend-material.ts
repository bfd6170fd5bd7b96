/**
 * What of the TLS material connections to backends need: whom to trust, what to show. Never a key of a listener.
 *
 * Goes to who makes such connections: a health daemon, the workers. Pure.
 */
import type { ServiceSnapshot } from './snapshot.js';
import type { AuthorityMaterial, CertificateMaterial, TlsMaterial } from './tls.js';

/** What backends are shown. */
export type ClientCertificate = Pick<CertificateMaterial, 'id' | 'chain' | 'key'>;

export interface BackendMaterial {
  readonly authorities: readonly AuthorityMaterial[];
  readonly certificates: readonly ClientCertificate[];
}

export const NO_BACKEND_MATERIAL: BackendMaterial = { authorities: [], certificates: [] };

/** What of `material` the policies of these services name. */
export function backendMaterialOf(
  services: Iterable<Pick<ServiceSnapshot, 'tls'>>,
  material: TlsMaterial,
): BackendMaterial {
  const [authorities, certificates] = [new Set<string>(), new Set<string>()];
  for (const { tls } of services) {
    if (tls === null) continue;
    authorities.add(tls.authority);
    certificates.add(tls.clientCertificate);
  }
  return {
    authorities: material.authorities.filter(({ id }) => authorities.has(id)),
    certificates: material.certificates
      .filter(({ id }) => certificates.has(id))
      .map(({ id, chain, key }) => ({ id, chain, key })),
  };
}
