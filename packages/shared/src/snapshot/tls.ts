/**
 * TLS as the configuration says it, compiled: what listeners show and ask for, how backends are reached.
 *
 * Invariant: the snapshot has digests alone; certificates, keys and authorities are the material. What listeners show leaves
 * the primary thread for nobody but the engine; what backends are verified by and shown goes to those who connect to them too
 * (backend-material.ts). Equal content has an equal digest, so a renewed certificate is a new version. Plain data.
 */

/** A certificate chain and its key. */
export interface CertificateMaterial {
  /** Hex SHA-256 (first 16 digits) of chain and key. */
  readonly id: string;
  /** `namespace/name` of the Secret. */
  readonly secret: string;
  /** PEM, the leaf first. */
  readonly chain: string;
  /** PEM, not encrypted. */
  readonly key: string;
  readonly keyType: 'rsa' | 'ec' | 'other';
  /** Names of the leaf (subjectAltName dNSName, lower case); of a wildcard with its `*.`. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notAfterMs: number;
}

/** Certificates that others are verified against. */
export interface AuthorityMaterial {
  /** Hex SHA-256 (first 16 digits) of the PEM. */
  readonly id: string;
  /** PEM, one or more. */
  readonly certificates: string;
}

export interface TlsMaterial {
  readonly certificates: readonly CertificateMaterial[];
  readonly authorities: readonly AuthorityMaterial[];
}

export const NO_MATERIAL: TlsMaterial = { certificates: [], authorities: [] };

export type TlsVersion = '1.2' | '1.3';

export interface ListenerTlsSnapshot {
  /**
   * Ids of certificates in the order of certificateRefs; of one name the first of each key type is shown. None: the listener
   * is closed (closed-listeners.ts). It takes its hostname from the others of its port and serves nobody: where a wider one shows
   * its certificate for that name, the answer is 404.
   */
  readonly certificates: readonly string[];
  readonly minVersion: TlsVersion;
  /** OpenSSL names for TLS 1.2, in order of preference; none: OpenSSL's modern default. */
  readonly ciphers: readonly string[];
  /** Clients must show a certificate of this authority (FrontendTLSPolicy); null: none is asked for. */
  readonly clientAuth: { readonly policy: string; readonly authority: string } | null;
}

export interface BackendTlsSnapshot {
  /** `namespace/name` of the BackendTLSPolicy. */
  readonly policy: string;
  /** Sent as SNI; '' sends none. */
  readonly sni: string;
  /**
   * Of which the backend's certificate must have one: DNS names (or URIs, `spiffe://…`). Empty with authority 'none', and
   * only then.
   */
  readonly subjectAltNames: readonly string[];
  /**
   * Id of an authority; 'system': the system's; 'none': the connection is encrypted, and whose certificate is shown is not
   * asked (a policy of the reference without `verify`, as in its guide to end-to-end TLS).
   */
  readonly authority: string;
  /** Id of the certificate that is shown; '' for none. */
  readonly clientCertificate: string;
}
