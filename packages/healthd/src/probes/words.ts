/**
 * Errors of sockets, TLS and protocols as words for an operator.
 *
 * The same failure gives the same words, always: no time, no ephemeral port, nothing that a peer wrote. What has no
 * words of its own keeps its code in parentheses. Pure.
 */

const SOCKET_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to the host',
  EHOSTDOWN: 'the host is down',
  ENETUNREACH: 'the network is unreachable',
  ENETDOWN: 'the network is down',
  ETIMEDOUT: 'the connection timed out',
  EACCES: 'the connection is not permitted',
  EPERM: 'the connection is not permitted',
  EAFNOSUPPORT: 'this machine does not have the address family',
  EINVAL: 'the address cannot be connected to',
};

/** These break a connection that there was; which answer is missing says how far it had come. */
const BROKEN_WORDS: Readonly<Record<string, string>> = {
  ECONNRESET: 'connection reset',
  ECONNABORTED: 'connection aborted',
  EPIPE: 'connection closed',
};

/** Faults of this machine: out of descriptors, ports or memory. They say nothing of the endpoint. */
const OWN_WORDS: Readonly<Record<string, string>> = {
  EMFILE: 'this process is out of descriptors',
  ENFILE: 'this machine is out of descriptors',
  EADDRNOTAVAIL: 'this machine has no local address or port left for the connection',
  EADDRINUSE: 'this machine has no local port left for the connection',
  ENOBUFS: 'this machine is out of socket buffers',
  ENOMEM: 'this machine is out of memory',
};

const CERTIFICATE_WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate, or one of its chain, has expired',
  CERT_NOT_YET_VALID: 'the certificate, or one of its chain, is not valid yet',
  CERT_REVOKED: 'the certificate is revoked',
  CERT_REJECTED: 'the certificate is rejected',
  CERT_UNTRUSTED: 'the certificate is not trusted',
  CERT_SIGNATURE_FAILURE: 'the signature of the certificate is wrong',
  CERT_CHAIN_TOO_LONG: 'the chain of the certificate is too long',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the CA of the certificate is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'the CA of the certificate is unknown',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the CA of the certificate is unknown',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the CA of the certificate is unknown, or its chain is incomplete',
  INVALID_CA: 'the certificate is signed by one that is not a CA',
  INVALID_PURPOSE: 'the certificate is not for servers',
};

const TLS_WORDS: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: 'the port does not speak TLS',
  ERR_SSL_HTTP_REQUEST: 'the port does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the port does not speak TLS',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'no TLS version in common',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'no TLS version in common',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'the server refused the handshake',
  ERR_SSL_SSL_TLS_ALERT_HANDSHAKE_FAILURE: 'the server refused the handshake',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the server wants a client certificate',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'no application protocol in common (ALPN)',
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: 'the server does not know the server name',
  ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR: 'the server had an internal error',
};

const HTTP_WORDS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'the head of the answer is too large',
  HPE_INVALID_CONSTANT: 'the answer is not HTTP/1.1',
  HPE_INVALID_VERSION: 'the answer is not HTTP/1.1',
};

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : 'no code';
}

/** True for a fault of this machine, which must not count against an endpoint. */
export function isOwnFault(error: unknown): boolean {
  return Object.hasOwn(OWN_WORDS, codeOf(error));
}

/** A TLS record where HTTP was expected: an alert (21) or a handshake (22) of version 3. */
function looksLikeTls(error: unknown): boolean {
  const { rawPacket } = error as { rawPacket?: unknown };
  return Buffer.isBuffer(rawPacket) && (rawPacket[0] === 21 || rawPacket[0] === 22) && rawPacket[1] === 3;
}

function tlsWords(code: string, certificateFor: string): string | undefined {
  const certificate = CERTIFICATE_WORDS[code];
  if (certificate !== undefined) return `TLS: ${certificate}`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') {
    return `TLS: the certificate is not for ${certificateFor === '' ? 'this address' : certificateFor}`;
  }
  if (code.startsWith('ERR_SSL_')) return `TLS: ${TLS_WORDS[code] ?? `the handshake failed (${code})`}`;
  return undefined;
}

function httpWords(code: string, error: unknown): string | undefined {
  if (!code.startsWith('HPE_')) return undefined;
  if (looksLikeTls(error)) return 'the port speaks TLS, the probe does not';
  return HTTP_WORDS[code] ?? `the answer is not well-formed HTTP/1.1 (${code})`;
}

/** @param awaited what the attempt waited for: `answer`. @param certificateFor the names that the certificate was to have one of. */
export function faultWords(error: unknown, awaited: string, certificateFor: string): string {
  const code = codeOf(error);
  const broken = BROKEN_WORDS[code];
  if (broken !== undefined) {
    return awaited === 'connection' ? broken : `${broken} before ${withArticle(awaited)}`;
  }
  return (
    SOCKET_WORDS[code] ??
    OWN_WORDS[code] ??
    tlsWords(code, certificateFor) ??
    httpWords(code, error) ??
    `failed before ${withArticle(awaited)} (${code})`
  );
}

/** `an answer`, `a pong`. */
export function withArticle(noun: string): string {
  return `${/^[aeio]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

/** 2000 → `2s`, 1500 → `1.5s`, 90000 → `90s`, 250 → `250ms`. */
export function spanWords(ms: number): string {
  return ms >= 1000 ? `${Math.round(ms / 100) / 10}s` : `${Math.round(ms)}ms`;
}

/** The path as words show it: without the query, which may hold a secret, in visible characters, not endless. */
export function pathWords(path: string): string {
  const bare = (path.split('?', 1)[0] ?? '').replace(/[^\x21-\x7e]/g, '?');
  return bare.length > 128 ? `${bare.slice(0, 125)}...` : bare;
}
