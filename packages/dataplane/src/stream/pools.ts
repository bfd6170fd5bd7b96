/**
 * Connections to endpoints for plain requests: one pool of kept-alive connections a worker, endpoint and way to reach it.
 *
 * Invariants: a request waits for no other: with `REQUESTS_MAX` under way on an endpoint the next one is refused by the
 * caller, so each has a connection of its own at once. A connection that was verified by one policy serves no request that
 * goes by another. A pool ends, in order, when its endpoint or its policy is gone. Worker thread.
 */
import { createRequire } from 'node:module';
import type { BackendMaterial } from '@sluice/shared/snapshot/backend-material';
import { hostPort } from '@sluice/shared/snapshot/endpoint-key';
import type { BackendTlsSnapshot } from '@sluice/shared/snapshot/tls';
import type { Client, Pool } from 'undici';
import type { EndpointSnapshot } from '../worker/messages.js';
import { createConnector } from './connector.js';
import { identityOf, Peers } from './peers.js';

/** Requests that one worker may have under way on one endpoint. */
export const REQUESTS_MAX = 1024;

export interface Upstream {
  readonly pool: Pool;
  /** A connection of its own, for one request: one that has been kept may have ended meanwhile. */
  readonly fresh: () => Client;
  /** Under way. */
  requests: number;
  /** The longest that one of them may take to connect, ms: a connect that nobody waits for goes on no longer. */
  connectMs: number;
}

/** An endpoint's pools, by `identityOf`. */
type Ways = Map<string, Upstream>;

const require = createRequire(import.meta.url);
/**
 * What of undici is needed, loaded before the worker is ready: 25 ms, where all of it is 100 ms and 17 MB, during which the
 * first request would hold up every stream of the worker.
 */
const undici = {
  Pool: require('undici/lib/dispatcher/pool.js') as typeof Pool,
  Client: require('undici/lib/dispatcher/client.js') as typeof Client,
};

export class Pools {
  /** By endpoint. */
  readonly #ways = new Map<string, Ways>();
  readonly #peers = new Peers();
  readonly #headBytesMax: number;

  constructor(headBytesMax: number) {
    this.#headBytesMax = headBytesMax;
  }

  get size(): number {
    return [...this.#ways.values()].reduce((sum, ways) => sum + ways.size, 0);
  }

  /**
   * The endpoint's pool; undefined when as many requests as may be are under way there. `tls`: null for plain TCP. Throws
   * when `material` does not have what the policy names.
   */
  of(endpoint: EndpointSnapshot, tls: BackendTlsSnapshot | null, material: BackendMaterial): Upstream | undefined {
    const key = hostPort(endpoint.address, endpoint.port);
    const identity = identityOf(tls);
    const known = this.#ways.get(key);
    const upstream = known?.get(identity) ?? this.#open(endpoint, key, tls, material);
    const ways = known ?? new Map<string, Upstream>();
    this.#ways.set(key, ways.set(identity, upstream));
    return upstream.requests < REQUESTS_MAX ? upstream : undefined;
  }

  /** Ends the pools of endpoints that are not among these; requests under way there go on. */
  keep(endpoints: ReadonlySet<string>): void {
    for (const [key, ways] of this.#ways) {
      if (endpoints.has(key)) continue;
      this.#ways.delete(key);
      for (const { pool } of ways.values()) pool.close().catch(() => {});
    }
  }

  /** These policies are all that there are: ends the pools of others, likewise. */
  keepPolicies(policies: Iterable<BackendTlsSnapshot>): void {
    const identities = new Set([identityOf(null), ...this.#peers.keep(policies)]);
    for (const ways of this.#ways.values()) {
      for (const [identity, { pool }] of ways) {
        if (identities.has(identity)) continue;
        ways.delete(identity);
        pool.close().catch(() => {});
      }
    }
  }

  /** Ends everything at once. */
  destroy(): void {
    for (const ways of this.#ways.values()) {
      for (const { pool } of ways.values()) pool.destroy().catch(() => {});
    }
    this.#ways.clear();
  }

  #open(
    { address, port }: EndpointSnapshot,
    key: string,
    tls: BackendTlsSnapshot | null,
    material: BackendMaterial,
  ): Upstream {
    const peer = tls === null ? null : this.#peers.of(tls, material);
    const origin = `http://${key}`;
    const options = {
      pipelining: 1,
      connect: createConnector({ address, port, peer, timeoutMs: () => upstream.connectMs }),
      maxHeaderSize: this.#headBytesMax,
      // Limits of requests are the gateway's own: see upstream-request.ts.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    const pool = new undici.Pool(origin, { ...options, connections: REQUESTS_MAX });
    const fresh = () => new undici.Client(origin, options);
    const upstream: Upstream = { pool, fresh, requests: 0, connectMs: 0 };
    return upstream;
  }
}
