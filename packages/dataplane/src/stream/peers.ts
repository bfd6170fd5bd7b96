/**
 * Backends over TLS as plain requests reach them: out of a policy and the material that it names.
 *
 * Invariant: what a policy names and the material does not have is an error: never a connection that trusts the system's
 * authorities instead, nor one that verifies nothing. What is loaded is shared by the policies that name it. Worker thread.
 */
import type { BackendMaterial } from '@sluice/shared/snapshot/backend-material';
import type { BackendTlsSnapshot } from '@sluice/shared/snapshot/tls';
import { type Authority, type PeerTls, type ShownCertificate, TlsTrust } from '@sluice/shared/tls/trust';

/** Connections are alike when this is; authorities and certificates are named by digests of their content. null: plain TCP. */
export function identityOf(tls: BackendTlsSnapshot | null): string {
  if (tls === null) return '';
  const { sni, subjectAltNames, authority, clientCertificate } = tls;
  return JSON.stringify([sni, subjectAltNames, authority, clientCertificate]);
}

export class Peers {
  #trusts = new Map<string, TlsTrust>();

  /** Throws when `material` does not have what the policy names. */
  of(tls: BackendTlsSnapshot, material: BackendMaterial): PeerTls {
    const { sni, subjectAltNames } = tls;
    const key = trustKey(tls);
    const trust = this.#trusts.get(key) ?? new TlsTrust(authorityOf(tls, material), shownBy(tls, material));
    this.#trusts.set(key, trust);
    return { sni, subjectAltNames, trust };
  }

  /** Lets go of what none of these policies names; their identities. */
  keep(policies: Iterable<BackendTlsSnapshot>): ReadonlySet<string> {
    const [trusts, identities] = [new Map<string, TlsTrust>(), new Set<string>()];
    for (const tls of policies) {
      const trust = this.#trusts.get(trustKey(tls));
      if (trust !== undefined) trusts.set(trustKey(tls), trust);
      identities.add(identityOf(tls));
    }
    this.#trusts = trusts;
    return identities;
  }
}

function trustKey({ authority, clientCertificate }: BackendTlsSnapshot): string {
  return `${authority} ${clientCertificate}`;
}

function authorityOf({ authority, policy }: BackendTlsSnapshot, { authorities }: BackendMaterial): Authority {
  if (authority === 'system' || authority === 'none') return authority;
  const certificates = authorities.find(({ id }) => id === authority)?.certificates ?? '';
  if (certificates === '') throw new Error(`there are no certificates of the authority of BackendTLSPolicy ${policy}`);
  return { certificates };
}

function shownBy(
  { clientCertificate, policy }: BackendTlsSnapshot,
  { certificates }: BackendMaterial,
): ShownCertificate | null {
  if (clientCertificate === '') return null;
  const shown = certificates.find(({ id }) => id === clientCertificate);
  if (shown === undefined) throw new Error(`there is no client certificate of BackendTLSPolicy ${policy}`);
  return shown;
}
