/**
 * Keys and the channel of the health bus in Redis. They all begin with the prefix, and share a hash tag, so that one
 * script may touch them all wherever Redis puts them.
 */

export interface BusKeys {
  /** String: the leader's token; expires with its lease. */
  readonly lease: string;
  /** String: the highest epoch that was ever given out. */
  readonly epoch: string;
  /** Hash: the status table. */
  readonly table: string;
  readonly channel: string;
}

/** `database`: Redis keeps keys apart by database, but not channels, so a database other than 0 is in the channel's name. */
export function busKeys(prefix: string, database: number): BusKeys {
  const base = `${prefix}:{health}`;
  const channel = `${base}:bus`;
  return {
    lease: `${base}:lease`,
    epoch: `${base}:epoch`,
    table: `${base}:table`,
    channel: database === 0 ? channel : `${channel}:${database}`,
  };
}
