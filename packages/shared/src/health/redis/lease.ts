/**
 * Who leads: one lease in Redis, held by a random token.
 *
 * A leader renews it well before it ends, and believes in it only until the moment by its own monotonic clock at which it
 * must have ended; the others try for it when it ends, and now and then. The fence is not here but in the scripts: even a
 * leader that has not noticed its end can write nothing. One request at a time is under way.
 */
import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Logger } from '../../log.js';
import { monotonicMs } from '../clock.js';
import { HEARTBEAT_INTERVAL_MS, type StatusTable } from '../table.js';
import type { RedisConnection } from './connection.js';
import type { BusKeys } from './keys.js';
import { BEAT, ELECT, RELEASE } from './scripts.js';
import { parseStored } from './stored-table.js';

export const LEASE_MS = 2_000;
const RENEW_MS = 500;
const POLL_MS = 500;
const NOT_RENEWED = 'the lease could not be renewed in time';
/** A lease that has just ended is tried for so much later, to be on the right side of its end. */
const AFTER_END_MS = 5;

export interface LeaseEvents {
  onElected(stored: StatusTable | null, epoch: number): void;
  onDeposed(reason: string): void;
  /** Redis does not hold the version that the heartbeat named. */
  onBehind(version: number): void;
  /** Version that Redis holds as far as the leader knows; -1: none. */
  version(): number;
  heartbeat(version: number): string;
}

export interface Reign {
  readonly token: string;
  readonly epoch: number;
  /** By `monotonicMs`: later than this it may be another's. */
  readonly endsAt: number;
}

type Connection = Pick<RedisConnection, 'client' | 'failed'>;

export class Lease {
  readonly #keys: BusKeys;
  readonly #connection: Connection;
  readonly #log: Logger;
  readonly #events: LeaseEvents;
  #reign: Reign | null = null;
  #lastEpoch = 0;
  #heartbeatAt = 0;
  #busy = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;

  constructor(keys: BusKeys, connection: Connection, log: Logger, events: LeaseEvents) {
    this.#keys = keys;
    this.#connection = connection;
    this.#log = log;
    this.#events = events;
  }

  /** The reign of now; null when this daemon does not lead, as far as it can know. */
  get reign(): Reign | null {
    const reign = this.#reign;
    return reign !== null && monotonicMs() < reign.endsAt ? reign : null;
  }

  /** Does now what is next: to be called when the connection is up, and to begin. */
  kick(): void {
    if (!this.#stopped) this.#next(0);
  }

  /** A script said that this reign is over. */
  lost(token: string): void {
    if (this.#reign?.token === token) this.#depose('another daemon holds the lease');
  }

  /** No event comes any more. Gives the lease back if Redis can be asked. Idempotent. */
  async release(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#expiry);
    const reign = this.#reign;
    const client = this.#connection.client;
    this.#reign = null;
    if (reign === null || client === null) return;
    await client.call('EVAL', [RELEASE, 1, this.#keys.lease, reign.token]).catch(() => undefined);
  }

  #next(delayMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#step(), delayMs);
  }

  async #step(): Promise<void> {
    const client = this.#connection.client;
    // Without a connection there is nothing to do: it calls `kick` when it is up.
    if (this.#busy || client === null) return;
    this.#busy = true;
    let delay = RENEW_MS;
    // This process was held up past the end of its reign: renewing it now would only keep everybody from the lease.
    if (this.reign === null) this.#depose(NOT_RENEWED);
    try {
      delay = this.#reign === null ? await this.#elect(client) : await this.#beat(client, this.#reign);
    } catch (error) {
      if (!this.#stopped) this.#connection.failed(client, error);
    } finally {
      this.#busy = false;
      this.#next(delay);
    }
  }

  async #elect(client: Redis): Promise<number> {
    const token = randomBytes(16).toString('hex');
    const { lease, epoch, table } = this.#keys;
    const sentAt = monotonicMs();
    const floor = Math.max(this.#lastEpoch, Date.now());
    const reply = (await client.call('EVAL', [ELECT, 3, lease, epoch, table, token, LEASE_MS, floor])) as ElectReply;
    if (this.#stopped) {
      // Closed while Redis was deciding: what it gave is given back by its end.
      return RENEW_MS;
    }
    if (reply[0] === 0) return Math.min(POLL_MS * (0.8 + Math.random() * 0.4), Math.max(0, reply[1]) + AFTER_END_MS);
    this.#lastEpoch = Number(reply[1]);
    this.#heartbeatAt = 0;
    this.#extend({ token, epoch: this.#lastEpoch, endsAt: sentAt + LEASE_MS });
    this.#events.onElected(this.#storedIn(reply[2]), this.#lastEpoch);
    return RENEW_MS;
  }

  #storedIn(flat: readonly string[]): StatusTable | null {
    try {
      return parseStored(flat);
    } catch (error) {
      this.#log.error({ reason: (error as Error).message }, 'the table in Redis is of no use and will be replaced');
      return null;
    }
  }

  async #beat(client: Redis, reign: Reign): Promise<number> {
    const { lease, epoch, table, channel } = this.#keys;
    const sentAt = monotonicMs();
    const version = this.#events.version();
    const due = sentAt - this.#heartbeatAt >= HEARTBEAT_INTERVAL_MS - RENEW_MS / 2;
    const message = due ? this.#events.heartbeat(version) : '';
    const args = [reign.token, reign.epoch, LEASE_MS, version, channel, message];
    const reply = await client.call('EVAL', [BEAT, 3, lease, epoch, table, ...args]);
    // The reign may have ended by the clock meanwhile.
    if (this.#reign?.token !== reign.token) return 0;
    if (reply === 'lost') {
      this.#depose('another daemon holds the lease');
      return POLL_MS;
    }
    this.#extend({ ...reign, endsAt: sentAt + LEASE_MS });
    if (reply === 'behind') this.#events.onBehind(version);
    else if (due) this.#heartbeatAt = sentAt;
    return Math.max(0, RENEW_MS - (monotonicMs() - sentAt));
  }

  #extend(reign: Reign): void {
    this.#reign = reign;
    clearTimeout(this.#expiry);
    if (this.#stopped) return;
    const left = Math.max(0, reign.endsAt - monotonicMs());
    this.#expiry = setTimeout(() => this.#depose(NOT_RENEWED), left);
  }

  #depose(reason: string): void {
    if (this.#reign === null) return;
    clearTimeout(this.#expiry);
    this.#reign = null;
    this.#events.onDeposed(reason);
    this.#next(0);
  }
}

type ElectReply = readonly [0, number] | readonly [1, string, readonly string[]];
