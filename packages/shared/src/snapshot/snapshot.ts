/**
 * The snapshot: the compiled, immutable form of the configuration that every worker routes by.
 *
 * Plain data (structured-clone safe, no functions, no classes), every reference resolved to an index, so that a
 * worker needs nothing else to decide. Keys and certificates are not in it, only their digests (tls.ts). Built by compile.ts
 * in the compiler's thread; read in the workers through a SnapshotView (view.ts).
 */
import type { FiltersSnapshot, LimitsSnapshot, OriginsSnapshot } from './rule-policy.js';
import type {
  AffinitySnapshot,
  BalancingSnapshot,
  LiveConnectionsSnapshot,
  ProbeSnapshot,
  RemovalSnapshot,
} from './service-policy.js';
import type { BackendTlsSnapshot, ListenerTlsSnapshot } from './tls.js';

/** Where endpoints of a service come from: an address, or a name whose every address is an endpoint. */
export interface TargetSnapshot {
  readonly type: 'address' | 'name';
  /** Canonical text form, without brackets; or a hostname in lower case. */
  readonly host: string;
  readonly port: number;
  /** Going away (a terminating endpoint of a slice): it is known, but gets nothing new. */
  readonly draining: boolean;
}

/** A Service port: what a backendRef means. Its endpoints are not part of the configuration: they come and go. */
export interface ServiceSnapshot {
  /** `namespace/name/port`, as in logs, metrics and the status table. */
  readonly name: string;
  readonly targets: readonly TargetSnapshot[];
  readonly probe: ProbeSnapshot;
  readonly balancing: BalancingSnapshot;
  readonly liveConnections: LiveConnectionsSnapshot;
  /** How connections to its endpoints are encrypted (BackendTLSPolicy); null: plain TCP. */
  readonly tls: BackendTlsSnapshot | null;
}

/** A weighted backendRef of a rule. */
export interface BackendSnapshot {
  /** Index into `Snapshot.services`, or -1 when the reference does not resolve: its share answers 500. */
  readonly service: number;
  /** 0 to 1 000 000; 0 gets nothing. */
  readonly weight: number;
  /** Applied after the rule's, to requests that go here; null: none. */
  readonly filters: FiltersSnapshot | null;
}

export type PathMatchType = 'Exact' | 'PathPrefix' | 'RegularExpression';

/** A header or query parameter that a request must have. */
export interface ValueMatchSnapshot {
  /** Header names in lower case; parameter names as they are. */
  readonly name: string;
  /** Of a parameter: what percent-decoding gives. Never empty. */
  readonly value: string;
  /** `value` is an expression (RE2) that the whole of the request's value must match. */
  readonly regex: boolean;
}

/** What a rule wants of a request: all of it. Tried in the order of `HostSnapshot.matches`. */
export interface MatchSnapshot {
  readonly pathType: PathMatchType;
  /** Starts with `/`; a PathPrefix has no trailing slash (`/` itself apart). A RegularExpression is RE2, for the whole path. */
  readonly path: string;
  /** In upper case; `''` takes every method. */
  readonly method: string;
  /** At most 16, each name once. */
  readonly headers: readonly ValueMatchSnapshot[];
  /** At most 16, each name once. */
  readonly queryParams: readonly ValueMatchSnapshot[];
  /** Index into `Snapshot.rules`. */
  readonly rule: number;
}

/** A rule of an HTTPRoute: where its requests go. */
export interface RuleSnapshot {
  /** `namespace/name` of the HTTPRoute. */
  readonly route: string;
  /** Position of the rule in its HTTPRoute. */
  readonly index: number;
  readonly backends: readonly BackendSnapshot[];
  readonly affinity: AffinitySnapshot | null;
  /** null: none. */
  readonly filters: FiltersSnapshot | null;
  readonly limits: LimitsSnapshot;
  /** Who may open a WebSocket by its Origin; null: everybody. */
  readonly origins: OriginsSnapshot | null;
  /** Why every request of the rule is answered with 500 (a filter that is not understood), in words; '': it is served. */
  readonly broken: string;
}

/** What an HTTPRoute says of all of its connections. */
export interface RouteSnapshot {
  /** `namespace/name`. */
  readonly name: string;
  /** What becomes of its live connections when it is removed, or detached from their listener. */
  readonly removal: RemovalSnapshot;
}

/**
 * The matches of the routes that declare (after intersection with the listener's hostname) exactly this hostname.
 *
 * `matches` is in order of precedence: the first that fits is the answer. That is not the order of paths alone: of two
 * routes whose hostnames intersect to the same one, the route that declares the more specific hostname comes first,
 * whatever its paths (HTTPRouteSpec.Hostnames asks for it; GatewayRouteHostnameIntersectionPrecedence). So an index over
 * `matches` must compare positions in the list.
 *
 * Several hosts of a listener can take the same request. The standard says that "precedence must be given to rules from
 * the HTTPRoute with the largest number of characters in a matching non-wildcard hostname", then "characters in a
 * matching hostname" (HTTPRouteSpec.Hostnames, apis/v1/httproute_types.go), and that 404 is the answer "when no rules
 * matching a request have been successfully attached" (HTTPRouteRule.Matches): the hostname ranks rules, it excludes
 * none. So when no match of the most specific host fits, the next host that takes the request is tried.
 */
export interface HostSnapshot {
  /** Lower case; `*.example.com` for a wildcard; `''` matches every host. */
  readonly hostname: string;
  readonly matches: readonly MatchSnapshot[];
}

/**
 * A listener of a Gateway. Several listeners may share a port; the most specific hostname that takes the request's host
 * chooses among them, and only that listener's routes are asked (GatewaySpec.Listeners, "Listener Isolation").
 */
export interface ListenerInfo {
  /** Name of the listener in its Gateway. */
  readonly name: string;
  /** `namespace/name` of the Gateway: `frontendName` in the access log. */
  readonly gateway: string;
  /** Port of the listener as the Gateway declares it (the port map applies when it is bound). */
  readonly port: number;
  readonly protocol: 'HTTP' | 'HTTPS';
  /** Lower case; `''` when the listener takes every host. */
  readonly hostname: string;
  /** Addresses to bind (GatewaySpec.addresses), canonical text form without brackets; none: what the options say. */
  readonly addresses: readonly string[];
  /** Dot segments and repeated or encoded slashes are resolved instead of refused. */
  readonly normalisePaths: boolean;
  /** It speaks HTTP/2 too: chosen by ALPN on an HTTPS listener, begun with by the client on an HTTP one. */
  readonly http2: boolean;
  /** WebSockets are taken over HTTP/2 (RFC 8441); only where `http2` is. */
  readonly websocketOverHttp2: boolean;
  /** Ranges (address-ranges.ts) whose connections begin with a PROXY header: of its port, so those that share it agree. */
  readonly proxySources: readonly string[];
  /** Ranges of peers whose x-forwarded-for and x-forwarded-proto are believed. */
  readonly trustedProxies: readonly string[];
  /** What becomes of its live connections when it is removed. */
  readonly removal: RemovalSnapshot;
  /** Of an HTTPS listener; else null. */
  readonly tls: ListenerTlsSnapshot | null;
}

export interface ListenerSnapshot extends ListenerInfo {
  /** In the order in which they are tried: exact hostnames, then wildcards, then `''`; of each the longest first. */
  readonly hosts: readonly HostSnapshot[];
}

export interface Snapshot {
  /** Hex SHA-256 (first 16 digits) of the compiled content: equal configuration has an equal version. */
  readonly version: string;
  /** By port; those of one port with the most specific hostname first. */
  readonly listeners: readonly ListenerSnapshot[];
  /** Of the routes that serve something, in the order of their rules. */
  readonly routes: readonly RouteSnapshot[];
  readonly rules: readonly RuleSnapshot[];
  readonly services: readonly ServiceSnapshot[];
}

/** What of a snapshot the version is a digest of. */
export type SnapshotContent = Omit<Snapshot, 'version'>;
