/**
 * HTTP/1.1 request and response heads, parsed strictly (RFC 9112): a head is either understood whole or refused.
 *
 * Invariant: no part of an accepted head holds CR, LF or NUL, so that it can be written out again as it is. A request
 * has exactly one meaning: one valid Host, and a target that agrees with it. Heads are latin1 strings that end with
 * their empty line; the parts may be slices of them: copy what is kept longer than the handshake.
 * Pure; runs in the workers.
 */
import { hostOf, sameAuthority } from './authority.js';
import { DIGIT, skipClass, TARGET, TOKEN, VALUE } from './characters.js';
import { Field } from './field-name.js';
import { type FieldFault, type HeaderField, isFieldFault, parseFields } from './fields.js';
import { isRefusal, type Refusal, refuse } from './refusal.js';

export type { HeaderField } from './fields.js';

export interface HeadLimits {
  readonly headBytesMax: number;
  readonly targetBytesMax: number;
  readonly fieldsMax: number;
}

export const HEAD_LIMITS: HeadLimits = { headBytesMax: 16_384, targetBytesMax: 8192, fieldsMax: 100 };

export interface RequestHead {
  readonly method: string;
  /** As received: origin-form or absolute-form. */
  readonly target: string;
  /** Without the query. Neither decoded nor normalised. */
  readonly path: string;
  /** Without the `?`; undefined when there is none. */
  readonly query: string | undefined;
  /** 1 for HTTP/1.1 and any later HTTP/1.x (RFC 9110 2.5). */
  readonly minorVersion: 0 | 1;
  readonly fields: readonly HeaderField[];
  /** Lower case, without port and without a final dot; '' when an HTTP/1.0 request names none. */
  readonly host: string;
  /** The Host value as received. */
  readonly authority: string;
  /** Size of the head as received, bytes. */
  readonly bytes: number;
}

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly minorVersion: 0 | 1;
  readonly fields: readonly HeaderField[];
  /** Size of the head as received, bytes. */
  readonly bytes: number;
}

interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: 0 | 1;
  /** Where the field section begins. */
  readonly next: number;
}

interface Target {
  readonly path: string;
  readonly query: string | undefined;
  /** Of the absolute-form, else undefined. */
  readonly authority: string | undefined;
  readonly defaultPort: string;
}

const FROM_A_BALANCER = 'and the sender is none of sluice.dev/proxy-protocol';
/** What else clients begin with, for the log. */
const STRANGERS = [
  ['\x16\x03', 'it begins with a TLS handshake, and this is not spoken to by TLS'],
  ['PROXY ', `it begins with a PROXY header, ${FROM_A_BALANCER}`],
  ['\r\n\r\n', `it begins with empty lines, as a PROXY header of version 2 does, ${FROM_A_BALANCER}`],
] as const;
const BAD_ANSWER = refuse('upstream-malformed', 'the status line is malformed');
const SP = 0x20;
const SLASH = 0x2f;

/** Parses a whole request head. Field names and values, method and target are as received. */
export function parseRequestHead(head: string, limits: HeadLimits): RequestHead | Refusal {
  if (head.length > limits.headBytesMax) return refuse('header-too-large');
  const line = parseRequestLine(head, limits.targetBytesMax);
  if (isRefusal(line)) return line;
  const { method, target, minorVersion } = line;
  const fields = parseFields(head, line.next, limits.fieldsMax);
  if (isFieldFault(fields)) return refuse(fields.tooMany ? 'too-many-headers' : 'malformed-header', fields.detail);
  if (method === 'CONNECT') return refuse('method-not-allowed', 'this gateway opens no tunnels');
  const parts = parseTarget(target);
  if (isRefusal(parts)) return parts;
  const authority = hostField(fields, minorVersion);
  if (isRefusal(authority)) return authority;
  const host = requestHost(parts, authority.value, minorVersion);
  if (typeof host !== 'string') return host;
  const { path, query } = parts;
  return { method, target, path, query, minorVersion, fields, host, authority: authority.value, bytes: head.length };
}

/** `method SP target SP HTTP/1.x CRLF`, behind at most one empty line (RFC 9112 2.2). */
function parseRequestLine(head: string, targetBytesMax: number): RequestLine | Refusal {
  const end = head.length;
  const start = head.startsWith('\r\n') ? 2 : 0;
  const methodEnd = skipClass(head, start, end, TOKEN);
  if (methodEnd === start || head.charCodeAt(methodEnd) !== SP) return badLine(head);
  const targetAt = methodEnd + 1;
  const targetEnd = skipClass(head, targetAt, end, TARGET);
  if (targetEnd - targetAt > targetBytesMax) return refuse('target-too-long');
  if (targetEnd === targetAt || head.charCodeAt(targetEnd) !== SP) return badLine(head);
  const next = targetEnd + 11;
  const minorVersion = parseVersion(head, targetEnd + 1);
  if (minorVersion === -1 || !head.startsWith('\r\n', next - 2)) return badLine(head);
  if (minorVersion === -2) return refuse('version-not-supported');
  return { method: head.slice(start, methodEnd), target: head.slice(targetAt, targetEnd), minorVersion, next };
}

/** What begins in another way; the log says which, where it is one that a wrong set-up brings. */
function badLine(head: string): Refusal {
  const [, what] = STRANGERS.find(([beginning]) => head.startsWith(beginning)) ?? [];
  return refuse('malformed-request-line', undefined, what);
}

/** Minor version of `HTTP/1.x` at this place, 1 for any above it; -1: not a version; -2: another major version. */
function parseVersion(head: string, at: number): 0 | 1 | -1 | -2 {
  if (!head.startsWith('HTTP/', at) || head[at + 6] !== '.') return -1;
  if (skipClass(head, at + 5, at + 6, DIGIT) === at + 5 || skipClass(head, at + 7, at + 8, DIGIT) === at + 7) return -1;
  if (head[at + 5] !== '1') return -2;
  return head[at + 7] === '0' ? 0 : 1;
}

/** Origin-form or absolute-form (RFC 9112 3.2); the asterisk-form and the authority-form have no place here. */
function parseTarget(target: string): Target | Refusal {
  if (target.charCodeAt(0) === SLASH) return targetParts(target, 0, undefined, '');
  const scheme = target.slice(0, 8).toLowerCase();
  if (scheme.startsWith('http://')) return absoluteTarget(target, 7, '80');
  if (scheme === 'https://') return absoluteTarget(target, 8, '443');
  return refuse('bad-target', 'it must begin with a slash, http:// or https://');
}

function absoluteTarget(target: string, authorityAt: number, defaultPort: string): Target {
  const slash = target.indexOf('/', authorityAt);
  const question = target.indexOf('?', authorityAt);
  const stop = Math.min(slash < 0 ? target.length : slash, question < 0 ? target.length : question);
  return targetParts(target, stop, target.slice(authorityAt, stop), defaultPort);
}

function targetParts(target: string, at: number, authority: string | undefined, defaultPort: string): Target {
  const question = target.indexOf('?', at);
  const path = question < 0 ? (at === 0 ? target : target.slice(at)) : target.slice(at, question);
  const query = question < 0 ? undefined : target.slice(question + 1);
  return { path: path === '' ? '/' : path, query, authority, defaultPort };
}

/** The value of the Host field: exactly one in HTTP/1.1, at most one in HTTP/1.0 (RFC 9112 3.2). */
function hostField(fields: readonly HeaderField[], minorVersion: 0 | 1): { readonly value: string } | Refusal {
  let found: HeaderField | undefined;
  for (const field of fields) {
    if (field.id !== Field.host) continue;
    if (found !== undefined) return refuse('bad-host', 'there are several');
    found = field;
  }
  if (found !== undefined) return found;
  return minorVersion === 1 ? refuse('bad-host', 'there is none') : { value: '' };
}

/** The host that the request is for; an absolute-form target and Host must agree, and the target is what counts. */
function requestHost(target: Target, authority: string, minorVersion: 0 | 1): string | Refusal {
  const unnamed = authority === '' && minorVersion === 0;
  const host = unnamed ? '' : hostOf(authority);
  if (host === undefined) return refuse('bad-host', 'its value is not valid');
  if (target.authority === undefined) return host;
  return targetHost(target.authority, unnamed ? target.authority : authority, target.defaultPort);
}

function targetHost(named: string, authority: string, defaultPort: string): string | Refusal {
  const host = hostOf(named);
  if (host === undefined) return refuse('bad-target', 'its authority is not valid');
  return sameAuthority(named, authority, defaultPort) ? host : refuse('bad-host', 'the target names another');
}

/** Parses a whole response head: `HTTP/1.x SP status [SP reason] CRLF`, then fields. */
export function parseResponseHead(head: string, limits: HeadLimits): ResponseHead | Refusal {
  if (head.length > limits.headBytesMax) return refuse('upstream-head-too-large');
  const minorVersion = parseVersion(head, 0);
  if (minorVersion < 0 || head.charCodeAt(8) !== SP) return BAD_ANSWER;
  const status = Number(head.slice(9, 12));
  if (skipClass(head, 9, 12, DIGIT) !== 12 || status < 100 || status > 599) return BAD_ANSWER;
  // The space is there even before an empty reason (RFC 9112 4); servers that leave it out mean nothing else by it.
  const reasonAt = head.charCodeAt(12) === SP ? 13 : 12;
  const reasonEnd = reasonAt === 13 ? skipClass(head, 13, head.length, VALUE) : 12;
  if (!head.startsWith('\r\n', reasonEnd)) return BAD_ANSWER;
  const fields = parseFields(head, reasonEnd + 2, limits.fieldsMax);
  if (isFieldFault(fields)) return answerFault(fields);
  const reason = head.slice(reasonAt, reasonEnd);
  return { status, reason, minorVersion: minorVersion === 0 ? 0 : 1, fields, bytes: head.length };
}

function answerFault(fault: FieldFault): Refusal {
  return refuse(fault.tooMany ? 'upstream-head-too-large' : 'upstream-malformed', fault.detail);
}
