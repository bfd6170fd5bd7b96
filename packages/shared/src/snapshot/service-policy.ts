/**
 * What a service's policies and annotations come to, compiled: how it is probed, balanced, and what becomes of live
 * connections. Plain data (structured-clone and JSON safe); defaults are filled in by the compiler.
 */

/** How one probe of an endpoint is made; see facts of HealthCheckPolicy in docs/health.md. */
export type ProbeCheck =
  | {
      readonly type: 'http';
      readonly host: string;
      readonly path: string;
      /** Healthy answers, both ends included. */
      readonly statuses: readonly { readonly start: number; readonly end: number }[];
    }
  | { readonly type: 'tcp' }
  /** grpc.health.v1.Health/Check; `service` '' asks for the server as a whole. */
  | { readonly type: 'grpc'; readonly authority: string; readonly service: string }
  | {
      readonly type: 'websocket';
      readonly host: string;
      readonly path: string;
      /** '' asks for none; else the answer must name it. */
      readonly subprotocol: string;
      readonly headers: readonly (readonly [name: string, value: string])[];
      /** Sends a ping after the 101 and wants its pong within the timeout. */
      readonly ping: boolean;
    };

export interface ProbeSnapshot {
  /** `namespace/name` of the HealthCheckPolicy; '' for the default probe. */
  readonly policy: string;
  readonly intervalMs: number;
  /** Of a whole probe: name lookup, connect and TLS included. */
  readonly timeoutMs: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  /** 0: the endpoint's own. */
  readonly port: number;
  readonly tls: boolean;
  readonly check: ProbeCheck;
}

export interface SlowStartSnapshot {
  readonly windowMs: number;
  readonly aggression: number;
  readonly startWeightPercent: number;
}

export type BalancingSnapshot =
  | { readonly strategy: 'round-robin' | 'least-request'; readonly slowStart: SlowStartSnapshot | null }
  /** `header`: lower-case name of the request field that is hashed; '' hashes the client's address. An affinity cookie wins. */
  | { readonly strategy: 'ring-hash'; readonly header: string }
  | {
      readonly strategy: 'load-aware';
      readonly blackoutPeriodMs: number;
      readonly metricExpirationPeriodMs: number;
      readonly errorUtilizationPenalty: number;
      readonly namedMetrics: readonly string[];
    };

/** `drain`: until `drainDeadlineMs`, then closed; `close`: closed; both spread over `closeWindowMs`. */
export type LiveAction = 'keep' | 'drain' | 'close';

/** What becomes of the live connections of an endpoint that turns unhealthy, is draining, or is removed. */
export interface LiveConnectionsSnapshot {
  readonly unhealthy: LiveAction;
  readonly draining: LiveAction;
  readonly removed: LiveAction;
  readonly drainDeadlineMs: number;
  readonly closeWindowMs: number;
}

/** What becomes of live connections whose route or listener is removed; 'drain' and 'close' as in `LiveAction`. */
export interface RemovalSnapshot {
  readonly action: LiveAction;
  readonly drainDeadlineMs: number;
  readonly closeWindowMs: number;
}

/** Session affinity of a route (RoutePolicy). */
export interface AffinitySnapshot {
  readonly cookie: string;
  /** Max-Age, seconds. */
  readonly maxAgeS: number;
}

/** GET / with Host localhost on the endpoint's port; 200 to 399 is healthy (the reference's default probe). */
export const DEFAULT_PROBE: ProbeSnapshot = {
  policy: '',
  intervalMs: 5000,
  timeoutMs: 30_000,
  healthyThreshold: 1,
  unhealthyThreshold: 3,
  port: 0,
  tls: false,
  check: { type: 'http', host: 'localhost', path: '/', statuses: [{ start: 200, end: 399 }] },
};

export const DEFAULT_BALANCING: BalancingSnapshot = { strategy: 'round-robin', slowStart: null };

export const DEFAULT_LIVE_CONNECTIONS: LiveConnectionsSnapshot = {
  unhealthy: 'keep',
  draining: 'keep',
  removed: 'keep',
  drainDeadlineMs: 300_000,
  closeWindowMs: 10_000,
};

export const DEFAULT_REMOVAL: RemovalSnapshot = {
  action: 'keep',
  drainDeadlineMs: DEFAULT_LIVE_CONNECTIONS.drainDeadlineMs,
  closeWindowMs: DEFAULT_LIVE_CONNECTIONS.closeWindowMs,
};
