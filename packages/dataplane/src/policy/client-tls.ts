/**
 * Whether a request may come over its TLS connection: it must be for the listener that the connection was made for, and
 * from a client that this listener wants.
 *
 * Invariant: a server name chooses certificates and client verification before a request can say its Host, so a Host that
 * another listener answers for would pass that listener's verification by (421, RFC 9110 15.5.20). Pure; runs in the
 * workers.
 */
import type { ListenerInfo } from '@sluice/shared/snapshot/snapshot';
import type { ClientTls } from '../engine/tls-info.js';
import { isRefusal, type Refusal, refuse } from './refusal.js';

/** Why the client's certificate is not taken; undefined when it is, and when none was asked for. null: plain TCP. */
export function certificateRefusal(tls: ClientTls | null): Refusal | undefined {
  if (tls === null || tls.certificateError === '') return undefined;
  return refuse('client-certificate', tls.certificateError, tls.subject);
}

/** `ofName`: what answers for the connection's server name; `ofHost`: what answers for the request's Host. */
export function tlsRefusal(
  tls: ClientTls,
  ofName: number | Refusal,
  ofHost: number | Refusal,
  listener: (index: number) => Pick<ListenerInfo, 'tls'> | undefined,
): Refusal | undefined {
  const unwanted = certificateRefusal(tls);
  if (unwanted !== undefined) return unwanted;
  if (isRefusal(ofName) || ofName !== ofHost) return refuse('misdirected');
  const wanted = listener(ofName)?.tls;
  // The handshake may have begun by another configuration.
  if (wanted === null || wanted === undefined) return refuse('misdirected');
  const { clientAuth } = wanted;
  if (clientAuth === null) return undefined;
  // Verified by another authority than the one that counts now: by a new connection the client may show another certificate.
  const outdated = tls.verifiedBy !== undefined && tls.verifiedBy !== clientAuth.authority;
  return !tls.verified || outdated ? refuse('misdirected') : undefined;
}
