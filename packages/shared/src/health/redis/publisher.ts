/**
 * The publisher's end of the health bus over Redis: leads while it holds the lease (lease.ts), and then keeps the table in
 * Redis equal to the one it was given (outbox.ts). One write is under way at a time; what comes meanwhile goes together
 * in the next. A write that may not have arrived is followed by the whole table.
 */
import type { Redis } from 'ioredis';
import type { Logger } from '../../log.js';
import type { BusPublisher, LeadershipEvents } from '../bus.js';
import { Outbox, type Parcel } from '../outbox.js';
import type { StatusTable, TableChange } from '../table.js';
import { heartbeatOf } from '../table-codec.js';
import { RedisConnection } from './connection.js';
import { type BusKeys, busKeys } from './keys.js';
import { Lease, type Reign } from './lease.js';
import type { RedisOptions } from './options.js';
import { WRITE } from './scripts.js';
import { redisTarget } from './settings.js';
import { fieldChanges } from './stored-table.js';

/** Changes within so much time go out as one. */
const COALESCE_MS = 10;
const RETRY_MS = 250;
/** A longer message is not sent: its subscribers are told to read. */
const MESSAGE_BYTES_MAX = 256 * 1024;

class RedisPublisher implements BusPublisher {
  readonly #identity: string;
  readonly #log: Logger;
  readonly #keys: BusKeys;
  readonly #connection: RedisConnection;
  readonly #lease: Lease;
  readonly #outbox = new Outbox();
  #events: LeadershipEvents | null = null;
  #writing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | null = null;

  constructor(options: RedisOptions, log: Logger, identity: string) {
    const target = redisTarget(options);
    this.#identity = identity;
    this.#log = log;
    this.#keys = busKeys(options.prefix, target.database);
    this.#connection = new RedisConnection(target, 'publisher', log, {
      onUp: () => this.#onUp(),
      onDown: () => undefined,
    });
    this.#lease = new Lease(this.#keys, this.#connection, log, {
      onElected: (stored, epoch) => this.#onElected(stored, epoch),
      onDeposed: (reason) => this.#onDeposed(reason),
      onBehind: (version) => this.#onBehind(version),
      version: () => this.#outbox.version,
      heartbeat: (version) => JSON.stringify(heartbeatOf(this.#stamp(this.epoch, Math.max(0, version)))),
    });
  }

  get leading(): boolean {
    return this.#lease.reign !== null;
  }

  get epoch(): number {
    return this.#lease.reign?.epoch ?? 0;
  }

  get unreachable(): string {
    return this.#connection.reason;
  }

  start(events: LeadershipEvents): void {
    this.#events = events;
    this.#connection.open();
  }

  publish(change: TableChange): void {
    if (!this.leading) return;
    this.#outbox.change(change);
    this.#flushIn(COALESCE_MS);
  }

  publishTable(services: ReadonlySet<string>, endpoints: StatusTable['endpoints']): void {
    if (!this.leading) return;
    this.#outbox.replace(services, endpoints);
    this.#flushIn(COALESCE_MS);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
    await this.#lease.release();
    await this.#connection.close();
  }

  #onUp(): void {
    this.#lease.kick();
    this.#flushIn(0);
  }

  #onElected(stored: StatusTable | null, epoch: number): void {
    this.#log.info({ epoch, endpoints: stored?.endpoints.size ?? 0 }, 'leads: holds the lease');
    this.#outbox.begin(stored);
    this.#tell((events) => events.onElected(stored, epoch));
  }

  #onDeposed(reason: string): void {
    this.#log.warn({ reason }, 'leads no more');
    this.#tell((events) => events.onDeposed(reason));
  }

  /** A listener's fault is not the bus's. */
  #tell(call: (events: LeadershipEvents) => void): void {
    try {
      if (this.#events !== null) call(this.#events);
    } catch (error) {
      this.#log.error(error, 'the listener for leadership failed');
    }
  }

  /** Redis was emptied, or fell back behind what it had (a replica was promoted). */
  #onBehind(version: number): void {
    if (this.#writing !== null || version !== this.#outbox.version) return;
    this.#outbox.repeatWhole();
    this.#flushIn(0);
  }

  #flushIn(delayMs: number): void {
    if (this.#timer !== undefined || this.#writing !== null || this.#closing !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, delayMs);
  }

  #flush(): void {
    this.#writing = this.#write().then((delayMs) => {
      this.#writing = null;
      if (this.#outbox.pending && this.#connection.client !== null) this.#flushIn(delayMs);
    });
  }

  /** Sends what is pending, if anything can be sent. Returns when to go on. */
  async #write(): Promise<number> {
    const reign = this.#lease.reign;
    const client = this.#connection.client;
    if (reign === null || client === null || !this.#outbox.pending) return COALESCE_MS;
    const parcel = this.#outbox.take();
    try {
      const reply = await this.#send(client, reign, parcel);
      if (reply === 'ok') return COALESCE_MS;
      this.#outbox.repeatWhole();
      if (reply === 'lost') this.#lease.lost(reign.token);
      return 0;
    } catch (error) {
      this.#outbox.repeatWhole();
      this.#connection.failed(client, error);
      return RETRY_MS;
    }
  }

  #send(client: Redis, reign: Reign, parcel: Parcel): Promise<unknown> {
    const { lease, epoch, table, channel } = this.#keys;
    const stamp = this.#stamp(reign.epoch, parcel.version);
    const { set, remove } = fieldChanges(parcel);
    const base = parcel.change === null ? '' : parcel.version - 1;
    const meta = [reign.token, reign.epoch, base, parcel.version, stamp.timestampMs, this.#identity];
    const args = [...meta, channel, messageFor(parcel, stamp), set.length];
    return client.call('EVAL', [WRITE, 3, lease, epoch, table, ...args, ...set, ...remove]);
  }

  #stamp(epoch: number, version: number): Stamp {
    return { epoch, version, timestampMs: Date.now(), publisher: this.#identity };
  }
}

type Stamp = Pick<StatusTable, 'epoch' | 'version' | 'timestampMs' | 'publisher'>;

/** A change as it is, when it is small; else a heartbeat, whose version tells subscribers to read the table. */
function messageFor(parcel: Parcel, stamp: Stamp): string {
  if (parcel.change !== null) {
    const text = JSON.stringify({ type: 'delta', ...stamp, ...parcel.change });
    if (Buffer.byteLength(text) <= MESSAGE_BYTES_MAX) return text;
  }
  return JSON.stringify(heartbeatOf(stamp));
}

/** Throws a RangeError when the options are wrong. `identity` names this daemon, for people. */
export function createRedisPublisher(options: RedisOptions, log: Logger, identity: string): BusPublisher {
  return new RedisPublisher(options, log, identity);
}
