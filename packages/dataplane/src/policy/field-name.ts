/**
 * The field names that the policy asks for, each with a number: fields are then told apart by comparing integers, not
 * strings, and their lower-case names cost no allocation.
 *
 * The table is fixed (nothing that a peer sends is ever added). Pure; runs in the workers.
 */

export const Field = {
  other: 0,
  host: 1,
  // From here to http2Settings: fields of one connection, whatever `Connection` says (see hop-by-hop.ts).
  connection: 2,
  upgrade: 3,
  keepAlive: 4,
  proxyConnection: 5,
  proxyAuthenticate: 6,
  proxyAuthorization: 7,
  te: 8,
  http2Settings: 9,
  contentLength: 10,
  transferEncoding: 11,
  trailer: 12,
  webSocketKey: 13,
  webSocketVersion: 14,
  webSocketProtocol: 15,
  webSocketExtensions: 16,
  webSocketAccept: 17,
  forwardedFor: 18,
  forwardedProto: 19,
  requestId: 20,
  userAgent: 21,
  referer: 22,
  date: 23,
  cookie: 24,
  // Load reports, in every form that has a name: they end at the gateway.
  loadMetrics: 25,
} as const;
export type FieldId = (typeof Field)[keyof typeof Field];

/** A name in one spelling. */
export interface FieldName {
  readonly name: string;
  readonly lower: string;
  readonly id: FieldId;
}

const NAMED: readonly (readonly [string, FieldId])[] = [
  ['Host', Field.host],
  ['Connection', Field.connection],
  ['Upgrade', Field.upgrade],
  ['Content-Length', Field.contentLength],
  ['Transfer-Encoding', Field.transferEncoding],
  ['Keep-Alive', Field.keepAlive],
  ['Proxy-Connection', Field.proxyConnection],
  ['Proxy-Authenticate', Field.proxyAuthenticate],
  ['Proxy-Authorization', Field.proxyAuthorization],
  ['TE', Field.te],
  ['Trailer', Field.trailer],
  ['HTTP2-Settings', Field.http2Settings],
  ['Sec-WebSocket-Key', Field.webSocketKey],
  ['Sec-WebSocket-Version', Field.webSocketVersion],
  ['Sec-WebSocket-Protocol', Field.webSocketProtocol],
  ['Sec-WebSocket-Extensions', Field.webSocketExtensions],
  ['Sec-WebSocket-Accept', Field.webSocketAccept],
  ['X-Forwarded-For', Field.forwardedFor],
  ['X-Forwarded-Proto', Field.forwardedProto],
  ['X-Request-Id', Field.requestId],
  ['User-Agent', Field.userAgent],
  ['Referer', Field.referer],
  ['Date', Field.date],
  ['Cookie', Field.cookie],
  ['Endpoint-Load-Metrics', Field.loadMetrics],
  ['Endpoint-Load-Metrics-Bin', Field.loadMetrics],
  ['Endpoint-Load-Metrics-Json', Field.loadMetrics],
  // Only here so that their lower-case names need not be made for every browser's handshake.
  ['Accept', Field.other],
  ['Accept-Encoding', Field.other],
  ['Accept-Language', Field.other],
  ['Authorization', Field.other],
  ['Cache-Control', Field.other],
  ['Content-Type', Field.other],
  ['Origin', Field.other],
  ['Pragma', Field.other],
  ['Server', Field.other],
  ['Sec-Fetch-Dest', Field.other],
  ['Sec-Fetch-Mode', Field.other],
  ['Sec-Fetch-Site', Field.other],
];

/** The usual spellings, `Like-This` and `like-this`, by length and first letter: few names share a bucket. */
const LENGTH_MAX = 31;
const BUCKETS: (readonly FieldName[] | undefined)[] = new Array((LENGTH_MAX + 1) << 5);
const BY_LOWER = new Map<string, FieldId>();

function bucketOf(firstCode: number, length: number): number {
  return (length << 5) | (firstCode & 0x1f);
}

for (const [name, id] of NAMED) {
  const lower = name.toLowerCase();
  const at = bucketOf(name.charCodeAt(0), name.length);
  BUCKETS[at] = [...(BUCKETS[at] ?? []), { name, lower, id }, { name: lower, lower, id }];
  BY_LOWER.set(lower, id);
}

/** The known name in a usual spelling that stands in the text from `at` to `end`; it costs no slice of the text. */
export function knownName(text: string, at: number, end: number): FieldName | undefined {
  const length = end - at;
  const bucket = length > LENGTH_MAX ? undefined : BUCKETS[bucketOf(text.charCodeAt(at), length)];
  if (bucket === undefined) return undefined;
  for (const entry of bucket) if (text.startsWith(entry.name, at)) return entry;
  return undefined;
}

/** The lower-case form and the number of a name in any spelling. */
export function fieldName(name: string): FieldName {
  const lower = name.toLowerCase();
  return { name, lower, id: BY_LOWER.get(lower) ?? Field.other };
}
