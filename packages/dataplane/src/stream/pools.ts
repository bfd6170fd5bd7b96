/**
 * Connections to endpoints for plain requests: one pool of kept-alive connections an endpoint and worker.
 *
 * Invariant: a request waits for no other: with `REQUESTS_MAX` under way on an endpoint the next one is refused by the
 * caller, so each has a connection of its own at once. A pool ends, in order, when its endpoint is gone. undici is loaded with
 * the first of them: it takes some 50 ms and 5 MB of a worker, which most never need. Worker thread.
 */
import { createRequire } from 'node:module';
import { hostPort } from '@sluice/shared/snapshot/endpoint-key';
import type { Pool } from 'undici';
import type { EndpointSnapshot } from '../worker/messages.js';

/** Requests that one worker may have under way on one endpoint. */
export const REQUESTS_MAX = 1024;

export interface Upstream {
  readonly pool: Pool;
  /** Under way. */
  requests: number;
}

/** Each request has a limit of its own for connecting; undici goes on in the background, this long at most. */
const CONNECT_MAX_MS = 60_000;

const require = createRequire(import.meta.url);

export class Pools {
  readonly #pools = new Map<string, Upstream>();
  readonly #headBytesMax: number;

  constructor(headBytesMax: number) {
    this.#headBytesMax = headBytesMax;
  }

  get size(): number {
    return this.#pools.size;
  }

  /** The endpoint's pool; undefined when as many requests as may be are under way there. */
  of({ address, port }: EndpointSnapshot): Upstream | undefined {
    const key = hostPort(address, port);
    let upstream = this.#pools.get(key);
    if (upstream === undefined) {
      upstream = { pool: this.#open(key), requests: 0 };
      this.#pools.set(key, upstream);
    }
    return upstream.requests < REQUESTS_MAX ? upstream : undefined;
  }

  /** Ends the pools of endpoints that are not among these; requests under way there go on. */
  keep(endpoints: ReadonlySet<string>): void {
    for (const [key, { pool }] of this.#pools) {
      if (endpoints.has(key)) continue;
      this.#pools.delete(key);
      pool.close().catch(() => {});
    }
  }

  /** Ends everything at once. */
  destroy(): void {
    for (const { pool } of this.#pools.values()) pool.destroy().catch(() => {});
    this.#pools.clear();
  }

  #open(key: string): Pool {
    const undici = require('undici') as typeof import('undici');
    return new undici.Pool(`http://${key}`, {
      connections: REQUESTS_MAX,
      pipelining: 1,
      connect: { timeout: CONNECT_MAX_MS },
      maxHeaderSize: this.#headBytesMax,
      // Limits of requests are the gateway's own: see exchange.ts.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }
}
