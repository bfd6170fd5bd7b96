/**
 * Host and authority (RFC 9110 4.2, 7.2; RFC 3986 3.2.2), strictly: `name`, `IPv4` or `[IPv6]`, optionally `:port`.
 *
 * Narrower than the grammar on purpose: no percent-encoding, no sub-delims, no userinfo, no zone, no empty label. A name
 * that no DNS or hosts file can hold only serves to be read differently by gateway and backend.
 * Pure; runs in the workers.
 */
import { isIPv6 } from 'node:net';
import { CLASSES, DIGIT, HOST, isAll, skipClass } from './characters.js';

const HOST_BYTES_MAX = 255;
const DOT = 0x2e;
const COLON = 0x3a;
const BRACKET = 0x5b;

/**
 * The host of an authority: lower case, without port, without the dot of an absolute name (`example.com.`), IPv6 in
 * brackets. undefined when the authority is not valid.
 */
export function hostOf(authority: string): string | undefined {
  const hostEnd = authority.charCodeAt(0) === BRACKET ? ipv6End(authority) : nameEnd(authority);
  if (hostEnd <= 0 || hostEnd > HOST_BYTES_MAX || !isPort(authority, hostEnd)) return undefined;
  const nameStop = authority.charCodeAt(hostEnd - 1) === DOT ? hostEnd - 1 : hostEnd;
  return authority.slice(0, nameStop).toLowerCase();
}

/** End of a name at the start of the text, or -1: labels between dots must not be empty, the one behind the last may. */
function nameEnd(authority: string): number {
  let previous = DOT;
  let at = 0;
  for (; at < authority.length; at++) {
    const code = authority.charCodeAt(at);
    if (((CLASSES[code] as number) & HOST) === 0) break;
    if (code === DOT && previous === DOT) return -1;
    previous = code;
  }
  return at;
}

function ipv6End(authority: string): number {
  const close = authority.indexOf(']');
  const address = authority.slice(1, close);
  return close > 0 && !address.includes('%') && isIPv6(address) ? close + 1 : -1;
}

/** Whether what follows the host is nothing or a port. The grammar allows an empty one. */
function isPort(authority: string, at: number): boolean {
  if (at === authority.length) return true;
  if (authority.charCodeAt(at) !== COLON) return false;
  const digits = authority.length - at - 1;
  if (digits > 5 || skipClass(authority, at + 1, authority.length, DIGIT) !== authority.length) return false;
  return digits === 0 || Number(authority.slice(at + 1)) <= 65_535;
}

/** Whether two valid authorities are the same under a scheme whose default port is given. */
export function sameAuthority(left: string, right: string, defaultPort: string): boolean {
  return left === right || withPort(left, defaultPort) === withPort(right, defaultPort);
}

function withPort(authority: string, defaultPort: string): string {
  const colon = authority.lastIndexOf(':');
  const port = authority.slice(colon + 1);
  if (colon < 0 || (port !== '' && !isAll(port, DIGIT))) return `${authority.toLowerCase()}:${defaultPort}`;
  return `${authority.slice(0, colon).toLowerCase()}:${port === '' ? defaultPort : Number(port)}`;
}
