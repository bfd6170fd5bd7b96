/**
 * IP addresses in one spelling each.
 *
 * The identity of an endpoint (status board, logs, metrics) contains its address, so `::1` and `0:0::1` must be the same
 * text. Any thread.
 */
import { isIPv4, isIPv6 } from 'node:net';

/** The canonical text (RFC 5952 for IPv6); undefined when it is no address of that family, or carries a zone. */
export function canonicalAddress(text: string, family: 'IPv4' | 'IPv6'): string | undefined {
  if (family === 'IPv4') return isIPv4(text) ? text : undefined;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}
