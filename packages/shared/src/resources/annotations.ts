/**
 * The annotations that Sluice reads, `sluice.dev/…`: the one table of them, by the kind they belong to.
 *
 * Reading, the errors about unknown and misplaced ones, and the reference document all derive from it. What has no entry
 * here is an error, because a misspelt annotation would be passed over in silence; annotations of others are nobody's
 * business. What an absent one means is the compiler's: `default` says it to people. Any thread.
 */
import { z } from 'zod';
import {
  DAY_MS,
  dnsNameValue,
  durationValue,
  Fault,
  filePathValue,
  hashKeyValue,
  originsValue,
  rangesValue,
  shareValue,
  type ValueType,
  wordValue,
} from './annotation-values.js';
import { LIVE_ACTIONS, liveActionsValue } from './live-connections.js';
import { foundName, wrong } from './schema.js';
import { websocketProbeValue } from './websocket-probe.js';

/** Of the annotations that are Sluice's own. */
export const ANNOTATION_PREFIX = 'sluice.dev/';

export interface Annotation<Value = unknown> {
  /** Whole, with the prefix. */
  readonly key: string;
  readonly value: ValueType<Value>;
  /** What holds without it, for people. */
  readonly default: string;
  /** One line. */
  readonly doc: string;
}

function annotation<Value>(name: string, value: ValueType<Value>, absent: string, doc: string): Annotation<Value> {
  return { key: `${ANNOTATION_PREFIX}${name}`, value, default: absent, doc };
}

const LIMIT_MAX = 365 * DAY_MS;

const pace = {
  drainDeadlineMs: annotation(
    'drain-deadline',
    durationValue(0, DAY_MS),
    '5m',
    'How long `drain` leaves connections alone',
  ),
  closeWindowMs: annotation(
    'close-window',
    durationValue(0, DAY_MS),
    '10s',
    'Time over which connections are closed; 0s: all at once',
  ),
};

const removal = (what: string) => ({
  liveConnections: annotation(
    'live-connections',
    wordValue(...LIVE_ACTIONS),
    'keep',
    `What becomes of live connections when ${what}`,
  ),
  ...pace,
});

/** By kind and the name of the field that holds the value. */
export const ANNOTATIONS = {
  Gateway: {
    paths: annotation(
      'paths',
      wordValue('refuse', 'normalise'),
      'refuse',
      'A path with dot segments, encoded slashes or repeated slashes is refused with 400, or normalised before it is routed',
    ),
    http2: annotation(
      'http2',
      wordValue('on', 'off'),
      'on',
      'Whether HTTPS listeners offer HTTP/2 (ALPN); off: HTTP/1.1 alone',
    ),
    h2c: annotation(
      'h2c',
      wordValue('off', 'on'),
      'off',
      'Whether HTTP listeners take HTTP/2 from clients that begin with it (prior knowledge), as other proxies do',
    ),
    websocketOverHttp2: annotation(
      'websocket-over-http2',
      wordValue('on', 'off'),
      'on',
      'Whether clients of HTTP/2 are told that they may open WebSockets over it (RFC 8441)',
    ),
    proxyProtocol: annotation(
      'proxy-protocol',
      rangesValue,
      'nobody',
      'Sources whose connections to the Gateway must begin with a PROXY header (version 1 or 2); others are clients themselves',
    ),
    trustedProxies: annotation(
      'trusted-proxies',
      rangesValue,
      'nobody',
      'Proxies in front of the Gateway whose x-forwarded-for and x-forwarded-proto are believed',
    ),
    ...removal('one of its listeners, or the Gateway, is removed'),
  },
  HTTPRoute: {
    idleTimeoutMs: annotation(
      'idle-timeout',
      durationValue(1, LIMIT_MAX, true),
      '--stream-idle-timeout',
      'A connection on which no byte passes in either direction for so long is closed',
    ),
    lifetimeMs: annotation(
      'lifetime',
      durationValue(1, LIMIT_MAX, true),
      '--lifetime',
      'Age at which a connection is closed',
    ),
    lifetimeJitter: annotation(
      'lifetime-jitter',
      shareValue,
      '0%',
      'Part of the lifetime by which it is shortened at random for each connection, so that they do not end together',
    ),
    connectTimeoutMs: annotation(
      'connect-timeout',
      durationValue(1, DAY_MS),
      '--connect-timeout',
      'To connect to a backend, all endpoints tried included',
    ),
    allowedOrigins: annotation(
      'allowed-origins',
      originsValue,
      'any origin',
      'Origins whose WebSocket handshakes are taken; others get 403 before the upgrade. `same`: the host and port of the request',
    ),
    absentOrigin: annotation(
      'absent-origin',
      wordValue('allow', 'deny'),
      'deny where allowed-origins is set',
      'Whether a handshake without Origin, which no browser sends, is taken',
    ),
    ...removal('the route is removed or no longer attached'),
  },
  Service: {
    dnsName: annotation(
      'dns-name',
      dnsNameValue,
      'the name of the Service',
      'Name that is looked up for its endpoints',
    ),
    hashHeader: annotation(
      'hash-key',
      hashKeyValue,
      'client-address',
      'What the ring is asked with; only with strategy ring-hash',
    ),
    live: annotation(
      'live-connections',
      liveActionsValue,
      'keep',
      'What becomes of live connections of an endpoint that turns unhealthy, is draining, or is removed',
    ),
    ...pace,
  },
  Secret: {
    certificateFile: annotation(
      'certificate-file',
      filePathValue,
      'none',
      'File that is read for `tls.crt`: the chain as PEM, the leaf first. It is watched, and a renewal is in force by itself',
    ),
    keyFile: annotation(
      'key-file',
      filePathValue,
      'none',
      'File that is read for `tls.key`: the key as PEM, not encrypted',
    ),
    caFile: annotation('ca-file', filePathValue, 'none', 'File that is read for `ca.crt`: authorities as PEM'),
  },
  HealthCheckPolicy: {
    websocketProbe: annotation(
      'websocket-probe',
      websocketProbeValue,
      'none',
      'The block `websocket` as text, for manifests that the CRD of the reference must take too; it overrides every other check',
    ),
  },
} as const satisfies Record<string, Readonly<Record<string, Annotation>>>;

type Table = typeof ANNOTATIONS;
/** A kind that has annotations of ours. */
export type AnnotatedKind = keyof Table;

type ValueOf<Entry> = Entry extends Annotation<infer Value> ? Value : never;

/** The values of the annotations that a resource of this kind has. */
export type AnnotationsOf<Kind extends AnnotatedKind> = {
  readonly [Field in keyof Table[Kind]]?: ValueOf<Table[Kind][Field]>;
};

/** Schema of `metadata.annotations`: a mapping in, the values of ours out. `kind`: undefined for kinds that have none. */
export function annotationsSchema<Kind extends AnnotatedKind>(kind?: Kind) {
  const table: Readonly<Record<string, Annotation>> = kind === undefined ? {} : ANNOTATIONS[kind];
  return z
    .record(z.string(), z.unknown())
    .default({})
    .transform((annotations, context): AnnotationsOf<Kind> => {
      const values: Record<string, unknown> = {};
      for (const [key, text] of Object.entries(annotations)) {
        if (!key.startsWith(ANNOTATION_PREFIX)) continue;
        const found = Object.entries(table).find(([, entry]) => entry.key === key);
        if (found === undefined) {
          context.addIssue({
            code: 'unrecognized_keys',
            keys: [key],
            input: annotations,
            message: strangerText(key, table),
          });
          continue;
        }
        const [field, { value }] = found;
        const read =
          typeof text === 'string'
            ? value.read(text)
            : new Fault(wrong(`must be a string, not ${foundName(text)}`, `write it in quotes: ${value.form}`));
        if (read instanceof Fault) context.addIssue({ code: 'custom', path: [key], message: read.message });
        else values[field] = read;
      }
      return values as AnnotationsOf<Kind>;
    });
}

/** What is wrong with an annotation that the kind does not have. */
function strangerText(key: string, table: Readonly<Record<string, Annotation>>): string {
  const owners = Object.entries(ANNOTATIONS).filter(([, entries]) =>
    Object.values(entries).some((entry) => entry.key === key),
  );
  if (owners.length > 0)
    return wrong('is not read on this kind', `it belongs to ${owners.map(([kind]) => kind).join(', ')}`);
  const known = Object.values(table).map((entry) => entry.key);
  return wrong(
    'unknown annotation',
    known.length === 0 ? 'this kind has none of Sluice' : `known here: ${known.join(', ')}`,
  );
}

/** The whole key of an annotation, for messages about it. */
export function annotationKey<Kind extends AnnotatedKind>(kind: Kind, field: keyof Table[Kind]): string {
  return (ANNOTATIONS[kind] as Readonly<Record<PropertyKey, Annotation>>)[field]?.key ?? '';
}
