/**
 * The cookie of session affinity: read from a request, written into an answer.
 *
 * Its value is an endpoint's id (balancing/hash.ts), so that a session stays with its endpoint when others come; hashing
 * alone would move some. The request's cookie goes on to the backend unchanged, as every other does: Envoy, which the
 * reference builds on, leaves it there too, and taking one out of the middle of a field is work without use. Pure.
 */
import type { AffinitySnapshot } from '@sluice/shared/snapshot/service-policy';
import { Field } from './field-name.js';
import type { HeaderField } from './fields.js';

/** Longer values are no ids of ours and not worth hashing. */
const VALUE_CHARACTERS_MAX = 256;
const SP = 0x20;
const HTAB = 0x09;

/**
 * Value of the first cookie with this name, exact in case (RFC 6265 4.1.1, 5.4); '' when there is none, or when that
 * first one is empty, too long, or holds a character that no value may hold.
 */
export function cookieValue(fields: readonly HeaderField[], name: string): string {
  for (const { id, value } of fields) {
    if (id !== Field.cookie) continue;
    const at = valueAt(value, name);
    if (at >= 0) return valueFrom(value, at);
  }
  return '';
}

/** Where the value of the pair `name=value` begins; -1 when there is no such pair. A pair without `=` has no name. */
function valueAt(text: string, name: string): number {
  for (let at = 0; at < text.length; ) {
    let start = at;
    while (isBlank(text.charCodeAt(start))) start++;
    if (text.startsWith(name, start) && text.charCodeAt(start + name.length) === 0x3d) return start + name.length + 1;
    const semicolon = text.indexOf(';', start);
    at = semicolon < 0 ? text.length : semicolon + 1;
  }
  return -1;
}

function valueFrom(text: string, at: number): string {
  const semicolon = text.indexOf(';', at);
  let end = semicolon < 0 ? text.length : semicolon;
  while (end > at && isBlank(text.charCodeAt(end - 1))) end--;
  if (end - at > VALUE_CHARACTERS_MAX) return '';
  for (let here = at; here < end; here++) if (!isCookieOctet(text.charCodeAt(here))) return '';
  return text.slice(at, end);
}

/** RFC 6265 4.1.1: visible ASCII without `"`, `,`, `;` and `\`. */
function isCookieOctet(code: number): boolean {
  return code > 0x20 && code < 0x7f && code !== 0x22 && code !== 0x2c && code !== 0x3b && code !== 0x5c;
}

function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}

/**
 * The Set-Cookie field, with its CR LF.
 *
 * Browsers store it from a 101 as from any answer (the handshake is a fetch with credentials). `HttpOnly`, because no
 * script has business with it. `SameSite=Lax`: a page of the same site, another host of it included, gets and sends the
 * cookie with `new WebSocket()`; a page of another site does neither, and then hashing by address still holds. Only
 * `SameSite=None` would serve those, and browsers take it with `Secure` alone, which a `ws://` listener cannot set; on an
 * HTTPS listener `Secure` keeps the cookie off connections that anybody can read. `secure`: it is one.
 */
export function setCookieField({ cookie, maxAgeS }: AffinitySnapshot, id: string, secure: boolean): string {
  const attributes = `Max-Age=${maxAgeS}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  return `Set-Cookie: ${cookie}=${id}; ${attributes}\r\n`;
}
