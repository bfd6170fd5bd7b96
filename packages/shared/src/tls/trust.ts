/**
 * Whom a client of ours trusts and what it shows, as a BackendTLSPolicy says it: authorities, names, a certificate of our own.
 * Probes and plain requests to backends go by it.
 *
 * Always verified unless the policy names no authority at all. Trusted and compared is as in the engine (tls_client.c): what
 * one of them took and the other did not would be down for good. The subject's common name says nothing. Any thread.
 */
import { X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import type { ConnectionOptions, PeerCertificate, SecureContext } from 'node:tls';

/** How a peer is reached. */
export interface PeerTls {
  /** Sent as SNI; '' sends none. */
  readonly sni: string;
  /** Of which the certificate must have one: DNS names, addresses or URIs. */
  readonly subjectAltNames: readonly string[];
  readonly trust: TlsTrust;
}

/** PEM. */
export interface ShownCertificate {
  readonly chain: string;
  readonly key: string;
}

/** 'system': node's authorities and those of NODE_EXTRA_CA_CERTS; 'none': nothing is verified. */
export type Authority = 'system' | 'none' | { readonly certificates: string };

const require = createRequire(import.meta.url);

export class TlsTrust {
  readonly #authority: Authority;
  readonly #certificate: ShownCertificate | null;
  #context: SecureContext | undefined;

  constructor(authority: Authority, certificate: ShownCertificate | null) {
    this.#authority = authority;
    this.#certificate = certificate;
  }

  /** Whether whose certificate is shown matters. */
  get verifies(): boolean {
    return this.#authority !== 'none';
  }

  /** Made when it is first needed: loading the system's authorities takes longest. Throws on PEM that is none. */
  get context(): SecureContext {
    this.#context ??= this.#load();
    return this.#context;
  }

  #load(): SecureContext {
    // So late because most workers never need it: 4 ms and 0.5 MB.
    const { createSecureContext } = require('node:tls') as typeof import('node:tls');
    return createSecureContext({
      minVersion: 'TLSv1.2',
      // An empty list trusts nobody; an empty text, or none, would mean the system's authorities.
      ...(typeof this.#authority === 'object'
        ? // An authority in between, or the server's own certificate, may be all that is trusted.
          { ca: [this.#authority.certificates].filter((pem) => pem !== ''), allowPartialTrustChain: true }
        : {}),
      ...(this.#certificate === null ? {} : { cert: this.#certificate.chain, key: this.#certificate.key }),
    });
  }
}

/** The system's authorities, nothing shown: of every probe without a policy. */
export const SYSTEM_TRUST = new TlsTrust('system', null);

/** What `tls.connect` is told of a peer, beside where it is. */
export function peerOptions({ sni, subjectAltNames, trust }: PeerTls): ConnectionOptions {
  return {
    ...trustOptions(trust),
    checkServerIdentity: (_host: string, { raw }: PeerCertificate) =>
      hasName(raw, subjectAltNames) ? undefined : Object.assign(new Error('hostname mismatch'), { code: NO_NAME_FITS }),
    ...(sni === '' ? {} : { servername: sni }),
  };
}

/** The code of the error when a certificate that is trusted has none of the names: Node's own. */
const NO_NAME_FITS = 'ERR_TLS_CERT_ALTNAME_INVALID';

/** Likewise, of whom to trust alone. */
export function trustOptions(trust: TlsTrust): ConnectionOptions {
  // Said, so that NODE_TLS_REJECT_UNAUTHORIZED in the environment cannot turn it off.
  return { secureContext: trust.context, rejectUnauthorized: trust.verifies };
}

/** The entries of a certificate's subjectAltName, as `DNS:name` and `URI:uri`. */
export function alternativeNames({ subjectAltName = '' }: Pick<X509Certificate, 'subjectAltName'>): string[] {
  // Node quotes what could be taken for more than one entry: `URI:"a, DNS:b"`.
  const entries = subjectAltName.match(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g) ?? [];
  return entries.map((entry) => {
    const [, kind = '', quoted] = /^\s*([^:]*):(".*")$/s.exec(entry) ?? [];
    return quoted === undefined ? entry.trim() : `${kind}:${String(JSON.parse(quoted))}`;
  });
}

/** Whether a certificate (DER) has one of these names. */
export function hasName(der: Buffer, names: readonly string[]): boolean {
  const certificate = new X509Certificate(der);
  const entries = new Set(alternativeNames(certificate));
  const lower = new Set([...entries].map((entry) => entry.toLowerCase()));
  return names.some((name) => {
    if (name.includes('://')) return entries.has(`URI:${name}`);
    if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined;
    // A wildcard that is asked for is a name like any other.
    if (lower.has(`dns:${name.toLowerCase()}`)) return true;
    return certificate.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined;
  });
}
