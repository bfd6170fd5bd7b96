/** How to reach the Redis that carries the health bus. Plain data: the command line fills it in. */

export interface SentinelAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisOptions {
  /**
   * `redis://[user[:password]@]host[:port][/database]`, `rediss://` for TLS. With sentinels only its scheme, user,
   * password and database count: they say who the master is.
   */
  readonly url: string;
  /** Empty: Redis is at `url`. */
  readonly sentinels: readonly SentinelAddress[];
  /** Name of the master in Sentinel. Only with sentinels. */
  readonly master: string;
  /** First part of every key and channel; gateways that share a Redis have each their own. */
  readonly prefix: string;
  /** Instead of those in the URL; they win. */
  readonly username?: string;
  readonly password?: string;
  readonly sentinelPassword?: string;
  /** PEM file with the authorities that the server's certificate is checked against. Only with `rediss://`. */
  readonly caFile?: string;
}
