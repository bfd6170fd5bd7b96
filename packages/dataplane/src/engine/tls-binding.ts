/**
 * TLS of the native module: contexts, which one a client gets, ticket keys. Calls of the primary thread.
 *
 * A context is a number, immutable, good for every engine, and never another's: a released one is an error for whoever
 * still dials with it. Connections keep what they have. What is wrong with a context is an Error with the code
 * ERR_SLUICE_TLS, in words for the operator.
 */

/** PEM; the leaf first. The key is not encrypted. */
export interface TlsCertificate {
  readonly chain: string;
  readonly key: string;
}

export interface TlsServerOptions {
  /** 1 to 16; of one type of key (RSA, EC, …) the first is shown. */
  readonly certificates: readonly TlsCertificate[];
  readonly minVersion: '1.2' | '1.3';
  /** OpenSSL's names for TLS 1.2, `:` between them, in order of preference; '': forward secret AEAD ciphers. */
  readonly ciphers: string;
  /**
   * PEM. Clients must show a certificate: without one their handshake fails, with a bad one their request says why
   * (`ClientTls.certificateError`). '': none is asked for.
   */
  readonly clientCa: string;
  /** Sessions are resumed between contexts with an equal one: name listener and client-certificate policy in it. */
  readonly sessionContext: string;
  /**
   * Protocols of ALPN in order of preference, 64 bytes with one more for each: a client that offers others alone is refused
   * (no_application_protocol). Empty: what a client offers is not answered.
   */
  readonly alpn: readonly string[];
}

export interface TlsClientOptions {
  /** false: whose certificate it is, is not asked; only with `ca` '' and without `names`. */
  readonly verify: boolean;
  /** PEM; what is in it is trusted, authorities in between and single certificates too. */
  readonly ca: string;
  /** Sent as SNI; '': none. */
  readonly serverName: string;
  /** 1 to 64 DNS names, addresses or URIs, of which the backend's certificate must have one. */
  readonly names: readonly string[];
  /** Shown when the backend asks; null: none. */
  readonly certificate: TlsCertificate | null;
  readonly minVersion: '1.2' | '1.3';
}

/** Clients that ask for this name get this context. */
export interface ServerName {
  /** Lower case; `*.example.com` takes any number of labels in the star's place; '' takes every client. */
  readonly pattern: string;
  readonly context: number;
}

/** Bytes of a ticket key: name 16, AES-256 key 32, HMAC-SHA-256 key 32. */
export const TICKET_KEY_BYTES = 80;

export interface NativeTls {
  tlsServerContext(options: TlsServerOptions): number;
  tlsClientContext(options: TlsClientOptions): number;
  tlsContextRelease(context: number): void;
  /**
   * `secure`: clients of this listener that connect from now on speak TLS and choose among these by server name (an unknown
   * one gets the alert unrecognized_name, without any names everybody does); else they speak plain TCP.
   */
  listenerTls(listener: number, names: readonly ServerName[], secure: boolean): void;
  /** 1 to 4 keys of TICKET_KEY_BYTES: the first seals tickets, all of them open them. Until then: one random key. */
  tlsTicketKeys(keys: Uint8Array): void;
}
