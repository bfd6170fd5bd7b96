/**
 * The catalogue of every answer that the gateway gives by itself, and how one is put into bytes.
 *
 * A refusal is a value: policy functions return it instead of throwing. Each code has one status, says whose fault it is
 * and whether another endpoint may be tried, and its body names the gateway, so that nobody takes it for the backend's.
 * Pure; runs in the workers.
 */

/** Whose doing it is that there is nothing better to answer. */
export type RefusalSource = 'client' | 'upstream' | 'internal';

export interface RefusalKind {
  readonly status: number;
  readonly source: RefusalSource;
  /** Another endpoint may be tried: this one cannot have acted on the request. */
  readonly retry: boolean;
  /** What was refused, and by whom: the first sentence of the body, ASCII. */
  readonly text: string;
}

/** 426 tells what to upgrade to (RFC 9110 15.5.22, RFC 6455 4.4), 405 what is allowed. */
const STATUS_FIELDS: Readonly<Record<number, string>> = {
  405: 'Allow: GET\r\n',
  426: 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n',
};

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  414: 'URI Too Long',
  421: 'Misdirected Request',
  426: 'Upgrade Required',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

function client(status: number, text: string): RefusalKind {
  return { status, source: 'client', retry: false, text };
}
function upstream(status: number, retry: boolean, text: string): RefusalKind {
  return { status, source: 'upstream', retry, text };
}
function internal(status: number, text: string): RefusalKind {
  return { status, source: 'internal', retry: false, text };
}

export const REFUSALS = {
  'malformed-request-line': client(400, 'the request line is malformed'),
  'bad-target': client(400, 'the request target is not one that this gateway takes'),
  'ambiguous-path': client(400, 'the path could be read in more than one way'),
  'malformed-header': client(400, 'a header field is malformed'),
  'bad-host': client(400, 'the request needs exactly one valid Host'),
  'body-declared': client(400, 'a WebSocket handshake must not declare a body'),
  'websocket-connection': client(400, 'the handshake needs Connection: Upgrade'),
  'websocket-key': client(400, 'the handshake needs exactly one valid Sec-WebSocket-Key'),
  'client-certificate': client(400, 'the client certificate is not good'),
  'origin-not-allowed': client(403, 'this origin may not open a WebSocket here'),
  'origin-missing': client(403, 'the handshake needs an Origin here'),
  'no-route': client(404, 'no route matches this host and path'),
  'method-not-allowed': client(405, 'this method is not allowed here'),
  'request-timeout': client(408, 'the request head did not arrive in time'),
  misdirected: client(421, 'this connection is not for this host'),
  'target-too-long': client(414, 'the request target is too long'),
  'upgrade-required': client(426, 'only WebSocket upgrades are served here'),
  'unsupported-upgrade': client(426, 'only an upgrade to websocket is served here'),
  'websocket-version': client(426, 'the handshake needs Sec-WebSocket-Version: 13'),
  'header-too-large': client(431, 'the request head is too large'),
  'too-many-headers': client(431, 'the request has too many header fields'),
  'unknown-method': client(501, 'this method is not known here'),
  'unknown-protocol': client(501, 'this protocol is not opened here'),
  'version-not-supported': client(505, 'this version of HTTP is not supported here'),
  'rule-broken': internal(500, 'the route is not served as it is configured'),
  'backend-unresolved': internal(500, 'the route has no backend that resolves'),
  internal: internal(500, 'internal error'),
  'local-exhausted': internal(503, 'the gateway is out of local resources'),
  overloaded: internal(503, 'too many handshakes are under way'),
  'no-endpoint': upstream(503, false, 'the backend has no healthy endpoint'),
  'connect-failed': upstream(502, true, 'connecting to the backend failed'),
  'connect-tls': upstream(502, true, 'the TLS handshake with the backend failed'),
  'connect-timeout': upstream(504, true, 'connecting to the backend took too long'),
  'upstream-reset': upstream(502, true, 'the backend closed the connection before it answered'),
  'upstream-truncated': upstream(502, false, 'the backend closed the connection inside its answer'),
  'upstream-malformed': upstream(502, false, 'the answer of the backend is malformed'),
  'upstream-head-too-large': upstream(502, false, 'the head of the answer of the backend is too large'),
  'upstream-bad-upgrade': upstream(502, false, 'the backend switched protocols wrongly'),
  'answer-timeout': upstream(504, false, 'the backend did not answer in time'),
  'route-timeout': upstream(504, false, 'the request took longer than its route allows'),
} as const satisfies Readonly<Record<string, RefusalKind>>;

export type RefusalCode = keyof typeof REFUSALS;

/** Made by `refuse` only. A class, so that telling it from the other results of a function costs one comparison. */
export class Refusal {
  readonly code: RefusalCode;
  readonly status: number;
  /** What exactly is wrong: a fixed ASCII text of our own, never bytes of a peer. */
  readonly detail: string | undefined;
  /** For the log alone, behind the detail: why, in words, where they do not say it all; may hold what a peer sent. '' for nothing. */
  readonly reason: string;
  declare protected readonly brand: never;

  constructor(code: RefusalCode, detail: string | undefined, reason = '') {
    this.code = code;
    this.status = REFUSALS[code].status;
    this.detail = detail;
    this.reason = reason;
  }
}

export function refuse(code: RefusalCode, detail?: string, reason?: string): Refusal {
  return new Refusal(code, detail, reason);
}

export function isRefusal(value: unknown): value is Refusal {
  return value instanceof Refusal;
}

/** Bounds of Retry-After, s. */
const RETRY_AFTER_MIN_S = 1;
const RETRY_AFTER_MAX_S = 5;

/** When a client that got a 503 may come back, s: spread, so that those refused together do not return together. */
export function retryAfterS(random: () => number): number {
  return RETRY_AFTER_MIN_S + Math.floor(random() * (RETRY_AFTER_MAX_S - RETRY_AFTER_MIN_S + 1));
}

let dateSecond = -1;
let dateText = '';

/** The Date field's value (IMF-fixdate, RFC 9110 5.6.7) for a time in ms since the epoch; formatted once a second. */
export function httpDate(nowMs: number): string {
  const second = Math.floor(nowMs / 1000);
  if (second !== dateSecond) {
    dateText = new Date(second * 1000).toUTCString();
    dateSecond = second;
  }
  return dateText;
}

/**
 * The whole answer, head and body, ASCII. `date` is the Date field's value: a server with a clock must send one in a
 * 4xx (RFC 9110 6.6.1); '' leaves it out, as '' leaves out `x-request-id`. An answer to HEAD has no body (9.3.2).
 * `retryS`: Retry-After of a 503.
 */
export function refusalBytes(refusal: Refusal, requestId = '', date = '', method = '', retryS = 1): string {
  const { code, status, detail } = refusal;
  const because = detail === undefined ? '' : `: ${detail}`;
  const body = `sluice: ${status} ${REFUSALS[code].text}${because} (${code})\n`;
  return (
    `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\n` +
    (date === '' ? '' : `Date: ${date}\r\n`) +
    (STATUS_FIELDS[status] ?? '') +
    (status === 503 ? `Retry-After: ${retryS}\r\n` : '') +
    (status === 426 ? 'Connection: close, Upgrade\r\n' : 'Connection: close\r\n') +
    (requestId === '' ? '' : `x-request-id: ${requestId}\r\n`) +
    `Cache-Control: no-store\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n` +
    (method === 'HEAD' ? '' : body)
  );
}
