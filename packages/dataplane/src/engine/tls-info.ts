/**
 * What the engine tells of a client's TLS with its request: seven lines of text behind the head.
 *
 * Invariant: `certificateError` is '' only when no certificate was asked for or the one that was shown is good; the engine
 * dials no backend for a client whose is not. Protocol and cipher are OpenSSL's names. Pure; runs in the workers.
 */
export interface ClientTls {
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly protocol: string;
  /** OpenSSL's name of the cipher. */
  readonly cipher: string;
  /** Server name that the client asked for, in lower case; '' for none. */
  readonly serverName: string;
  /** Protocol that ALPN has chosen; '' for none. */
  readonly alpn: string;
  /** A certificate was asked for, and the one that the client showed is good. */
  readonly verified: boolean;
  /**
   * Id of the authority that clients of its listener were verified by when it came to the stream path, '' for none; not set
   * by the engine, and absent where a connection is decided about once.
   */
  readonly verifiedBy?: string;
  /** Why the client's certificate is not good, in OpenSSL's words; ''. */
  readonly certificateError: string;
  /** Subject of the client's certificate (RFC 2253, at most 1 KiB); '' when it showed none. */
  readonly subject: string;
}

/** Reads the text of `bytes` bytes at `at`; null without any. */
export function parseClientTls(buffer: Buffer, at: number, bytes: number): ClientTls | null {
  if (bytes === 0) return null;
  const lines = buffer.toString('utf8', at, at + bytes).split('\n');
  const [protocol = '', cipher = '', serverName = '', alpn = '', verified, certificateError = '', subject = ''] = lines;
  return { protocol, cipher, serverName, alpn, verified: verified === 'verified', certificateError, subject };
}
