/**
 * What a rule does to its requests and their connections, compiled: filters, limits, origins. Plain data (structured-clone
 * and JSON safe); defaults are filled in by the compiler.
 */

/** Changes of header fields, applied in this order: set, add, remove. Names of `set` and `add` as written. */
export interface HeaderChanges {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  /** Lower case. */
  readonly remove: readonly string[];
}

export interface RewriteSnapshot {
  /** New Host; '' keeps the client's. */
  readonly hostname: string;
  /** null keeps the path. `prefix` replaces the prefix that matched, by whole path elements. */
  readonly path: { readonly type: 'full' | 'prefix'; readonly value: string } | null;
}

export interface RedirectSnapshot {
  /** 'http', 'https'; '' keeps the request's. */
  readonly scheme: string;
  /** '' keeps the request's. */
  readonly hostname: string;
  readonly path: RewriteSnapshot['path'];
  /**
   * Port of the Location; 0: none is written, because it is the scheme's own. The compiler has applied the standard's
   * rules for a port that is not given; -1: the listener's port, left out when it is the scheme's own.
   */
  readonly port: number;
  readonly status: 301 | 302 | 303 | 307 | 308;
}

/** HTTPCORSFilter. A cross-origin request whose Origin is not allowed is answered with 403. */
export interface CorsSnapshot {
  /** `*`, or `scheme://host[:port]` in lower case; a host may begin with `*.`. */
  readonly allowOrigins: readonly string[];
  readonly allowCredentials: boolean;
  /** Upper case, or `*`. */
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeS: number;
}

/** The filters of a rule or of one of its backendRefs; a backendRef has header changes alone. */
export interface FiltersSnapshot {
  readonly requestHeaders: HeaderChanges | null;
  readonly responseHeaders: HeaderChanges | null;
  readonly rewrite: RewriteSnapshot | null;
  /** Answers the request; nothing else is done. */
  readonly redirect: RedirectSnapshot | null;
  readonly cors: CorsSnapshot | null;
}

/** Limits of a rule. `null`: what the options of the process say; 0: none. */
export interface LimitsSnapshot {
  /** From the complete request head to the head of the answer, every attempt included (`timeouts.request`, routeTimeout). */
  readonly requestMs: number | null;
  /** From the forwarded head to the head of its answer (`timeouts.backendRequest`). */
  readonly backendRequestMs: number | null;
  readonly connectMs: number | null;
  /** No byte in either direction of a spliced connection. */
  readonly idleMs: number | null;
  /** Age of a spliced connection. */
  readonly lifetimeMs: number | null;
  /** Part of the lifetime by which it is shortened at random, 0 to 1: connections of one moment do not end at one moment. */
  readonly lifetimeJitter: number;
}

/** Origin allow-list of WebSocket handshakes; what is not allowed is answered with 403 before the upgrade. */
export interface OriginsSnapshot {
  /** As `CorsSnapshot.allowOrigins`; `same`: the origin whose host and port are the request's own. */
  readonly allow: readonly string[];
  /** Whether a request without Origin (no browser) is taken. */
  readonly absent: boolean;
}

export const DEFAULT_LIMITS: LimitsSnapshot = {
  requestMs: null,
  backendRequestMs: null,
  connectMs: null,
  idleMs: null,
  lifetimeMs: null,
  lifetimeJitter: 0,
};
