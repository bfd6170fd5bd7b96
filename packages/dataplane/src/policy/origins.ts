/**
 * Who may open a WebSocket by its Origin (RFC 6454): allow-lists of origins, and what a request says.
 *
 * Invariant: an Origin that is not exactly one valid `scheme://host[:port]` (`null`, several, junk) is nobody's, and only
 * `*` takes it. Hosts are compared as names, ports with the scheme's own filled in. Browsers send an Origin with every
 * WebSocket handshake and no script can change it; who sends none is no browser. Pure; runs in the workers.
 */
import type { OriginsSnapshot } from '@sluice/shared/snapshot/rule-policy';
import { hostOf, sameAuthority } from './authority.js';
import type { HeaderField } from './fields.js';
import type { RequestHead } from './head.js';
import { type Refusal, refuse } from './refusal.js';

/** An Origin field as received, and what it comes to. */
export interface Origin {
  /** Value of the field; of several, all of them. */
  readonly value: string;
  /** `scheme://host[:port]` in lower case, without the scheme's own port; '' when it is none. */
  readonly text: string;
}

const PARTS = /^([a-z][a-z0-9+.-]*):\/\/([^/]+)$/;
const OWN_PORTS: ReadonlyMap<string, string> = new Map([
  ['http', '80'],
  ['https', '443'],
]);

/** undefined when the request has no Origin. */
export function originOf(fields: readonly HeaderField[]): Origin | undefined {
  let found: string | undefined;
  for (const { lowerName, value } of fields) {
    if (lowerName !== 'origin') continue;
    if (found !== undefined) return { value: `${found}, ${value}`, text: '' };
    found = value;
  }
  return found === undefined ? undefined : { value: found, text: normalOrigin(found) };
}

/** '' for what is no origin. */
function normalOrigin(value: string): string {
  const [, scheme = '', authority = ''] = PARTS.exec(value.toLowerCase()) ?? [];
  const host = hostOf(authority);
  if (host === undefined) return '';
  const port = portOf(authority);
  return `${scheme}://${host}${port === '' || port === OWN_PORTS.get(scheme) ? '' : `:${port}`}`;
}

/** Of a valid authority, without leading zeros; '' when it has none. */
function portOf(authority: string): string {
  const port = /:(\d+)$/.exec(authority)?.[1];
  return port === undefined ? '' : String(Number(port));
}

/**
 * Whether an origin is the request's own: host and port are those of Host. Over plain TCP its scheme is not compared, for TLS
 * may end in front of the gateway; the port that it stands for is. Over TLS (`secure`) it is `https`: a page that anyone on
 * the way can write is not of the origin that TLS protects.
 */
export function isSameOrigin({ text }: Origin, request: RequestHead, secure: boolean): boolean {
  const [, scheme = '', authority = ''] = PARTS.exec(text) ?? [];
  const ownPort = OWN_PORTS.get(scheme);
  if (secure && scheme !== 'https') return false;
  return ownPort !== undefined && request.authority !== '' && sameAuthority(authority, request.authority, ownPort);
}

interface AllowList {
  readonly everybody: boolean;
  readonly same: boolean;
  readonly exact: ReadonlySet<string>;
  /** What an origin begins and ends with; what lies between is at least one character of a host. */
  readonly wildcards: readonly { readonly start: string; readonly end: string }[];
}

const LISTS = new WeakMap<readonly string[], AllowList>();

/**
 * Whether the list takes the origin. Entries: `*`, `same`, `scheme://host[:port]`, whose host may begin with `*`. `secure`: as
 * for `isSameOrigin`.
 */
export function isAllowed(allow: readonly string[], origin: Origin, request: RequestHead, secure: boolean): boolean {
  const list = listOf(allow);
  if (list.everybody) return true;
  const { text } = origin;
  if (text === '') return false;
  if (list.exact.has(text) || (list.same && isSameOrigin(origin, request, secure))) return true;
  return list.wildcards.some(({ start, end }) => {
    if (!text.startsWith(start) || !text.endsWith(end) || text.length <= start.length + end.length) return false;
    return !text.slice(start.length, text.length - end.length).includes(':');
  });
}

function listOf(allow: readonly string[]): AllowList {
  let list = LISTS.get(allow);
  if (list === undefined) {
    list = {
      everybody: allow.includes('*'),
      same: allow.includes('same'),
      exact: new Set(allow.map(normalOrigin).filter((text) => text !== '')),
      wildcards: allow.filter((entry) => entry.includes('://*')).map(wildcard),
    };
    LISTS.set(allow, list);
  }
  return list;
}

/** Of `https://*.example.com:8443`: `https://` and `.example.com:8443`. */
function wildcard(entry: string): AllowList['wildcards'][number] {
  const at = entry.indexOf('*');
  const scheme = entry.slice(0, at - 3);
  const end = entry.slice(at + 1).toLowerCase();
  const own = `:${OWN_PORTS.get(scheme)}`;
  return { start: entry.slice(0, at).toLowerCase(), end: end.endsWith(own) ? end.slice(0, -own.length) : end };
}

/** What the allow-list of a rule says of a handshake; undefined when it may go on. */
export function checkOrigin(origins: OriginsSnapshot, request: RequestHead, secure: boolean): Refusal | undefined {
  const origin = originOf(request.fields);
  if (origin === undefined) return origins.absent ? undefined : refuse('origin-missing');
  return isAllowed(origins.allow, origin, request, secure) ? undefined : refuse('origin-not-allowed');
}
