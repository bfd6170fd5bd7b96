/**
 * The header fields that the gateway states itself, which no filter changes: framing, the handshake, the hop, who asked.
 *
 * Asked by the compiler, which says so of a filter that tries, and by the workers, which pass the change over. Pure.
 */

/** Of one connection (RFC 9110 7.6.1), framing, and the id that the connection is known by. */
const OF_ANY = new Set([
  'connection',
  'upgrade',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'http2-settings',
  'content-length',
  'transfer-encoding',
  'trailer',
  'x-request-id',
]);
/** Host can be set, and neither added nor removed. */
const OF_REQUESTS = new Set(['host', 'x-forwarded-for', 'x-forwarded-proto']);
/** Date is the backend's or the gateway's (RFC 9110 6.6.1); load reports end here. */
const OF_ANSWERS = new Set([
  'date',
  'endpoint-load-metrics',
  'endpoint-load-metrics-bin',
  'endpoint-load-metrics-json',
]);

export function isOwnOfRequests(lowerName: string): boolean {
  return isOwn(lowerName) || OF_REQUESTS.has(lowerName);
}

/** `cors`: whether the rule has a CORS filter, whose fields are its own then. */
export function isOwnOfAnswers(lowerName: string, cors: boolean): boolean {
  return isOwn(lowerName) || OF_ANSWERS.has(lowerName) || (cors && isCorsField(lowerName));
}

export function isCorsField(lowerName: string): boolean {
  return lowerName.startsWith('access-control-');
}

function isOwn(lowerName: string): boolean {
  return OF_ANY.has(lowerName) || lowerName.startsWith('sec-websocket-');
}
