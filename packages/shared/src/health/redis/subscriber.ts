/**
 * The subscriber's end of the health bus over Redis, on two connections: one is subscribed, one reads.
 *
 * Subscribe first, then read: so no change falls between the two. What arrives during a read waits, in a bounded list,
 * and is applied to the table that was read. A reconnect of either connection leads to another read; when nothing has
 * been heard for 3 heartbeat intervals both are made anew, because a connection to nowhere looks like a quiet one.
 */
import type { Redis } from 'ioredis';
import type { Logger } from '../../log.js';
import type { BusListener, BusSubscriber } from '../bus.js';
import { monotonicMs } from '../clock.js';
import { type BusMessage, STALE_AFTER_MS, type StatusTable } from '../table.js';
import { parseMessageText } from '../table-codec.js';
import { FeedSubscriber, TableFeed, WATCH_INTERVAL_MS } from '../table-feed.js';
import { isBefore } from '../table-state.js';
import { RedisConnection } from './connection.js';
import { type BusKeys, busKeys } from './keys.js';
import type { RedisOptions } from './options.js';
import { redisTarget } from './settings.js';
import { parseStored } from './stored-table.js';

/** Messages that wait for the end of a read; when there are more, they are dropped and the table is read once more. */
const WAITING_MAX = 1_000;
/** Between reads: a publisher that cannot be followed must not become a flood of reads. */
const READ_PAUSE_MS = 50;
/** Why connections are made anew that may be to nowhere, or to a Redis on which nobody leads. */
const SILENT = `nothing was heard for ${STALE_AFTER_MS / 1000} s or more; a new connection is made`;
/** After a read that failed. */
const RETRY_PAUSE_MS = 500;
/** Between two lines about messages that are none. */
const FOREIGN_LOG_MS = 60_000;

class RedisSubscriber extends FeedSubscriber {
  readonly #log: Logger;
  readonly #keys: BusKeys;
  readonly #listening: RedisConnection;
  readonly #reading: RedisConnection;
  #subscribed = false;
  #wanted = true;
  #busy = false;
  #reads = 0;
  #waiting: BusMessage[] = [];
  #readTimer: NodeJS.Timeout | undefined;
  #watchTimer: NodeJS.Timeout | undefined;
  #readFault = '';
  #foreignLoggedAt = Number.NEGATIVE_INFINITY;
  #closing: Promise<void> | null = null;

  constructor(options: RedisOptions, log: Logger) {
    super(new TableFeed(log, monotonicMs()));
    const target = redisTarget(options);
    this.#log = log;
    this.#keys = busKeys(options.prefix, target.database);
    this.#listening = new RedisConnection(target, 'subscriber', log, {
      onUp: (client) => void this.#subscribe(client),
      onDown: () => this.#onDown(),
    });
    this.#reading = new RedisConnection(target, 'reader', log, {
      onUp: () => this.#want(),
      onDown: () => this.#onDown(),
    });
  }

  override start(listener: BusListener): void {
    this.feed.start(listener);
    this.#listening.open();
    this.#reading.open();
    this.#watchTimer = setInterval(() => this.#watch(), WATCH_INTERVAL_MS);
    this.#tellTransport();
  }

  override close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#watchTimer);
    clearTimeout(this.#readTimer);
    this.#subscribed = false;
    await Promise.all([this.#listening.close(), this.#reading.close()]);
  }

  async #subscribe(client: Redis): Promise<void> {
    client.on('message', (_channel: string, text: string) => {
      if (client === this.#listening.client) this.#onMessage(text);
    });
    try {
      await client.subscribe(this.#keys.channel);
      if (client !== this.#listening.client) return;
      this.#subscribed = true;
      this.#want();
    } catch (error) {
      // Refused, for instance for want of rights: asked again with the next connection.
      if (this.#closing === null && client === this.#listening.client) {
        this.#listening.reset(`cannot subscribe: ${(error as Error).message}`);
      }
    }
  }

  #onDown(): void {
    this.#subscribed = this.#subscribed && this.#listening.client !== null;
    this.feed.stats.reconnects += 1;
    this.#wanted = true;
    this.#tellTransport();
  }

  #watch(): void {
    this.#tellTransport();
    if (!this.feed.watch(monotonicMs())) return;
    this.#listening.reset(SILENT);
    this.#reading.reset(SILENT);
  }

  #tellTransport(): void {
    this.feed.transport(this.#listening.reason || this.#reading.reason || this.#readFault);
  }

  #onMessage(text: string): void {
    const message = parseMessageText(text);
    if (message === null) {
      this.#logForeign(text);
      this.#want();
    } else if (this.#busy) {
      this.#wait(message);
    } else if (this.feed.receive(message, monotonicMs())) {
      // Once more after the read: then it says whether what was read is the last there is.
      this.#wait(message);
      this.#want();
    }
  }

  #logForeign(text: string): void {
    const now = monotonicMs();
    if (now - this.#foreignLoggedAt < FOREIGN_LOG_MS) return;
    this.#foreignLoggedAt = now;
    this.#log.warn({ text: text.slice(0, 200) }, 'not a message of the health bus; the table is read instead');
  }

  #wait(message: BusMessage): void {
    this.#waiting.push(message);
    if (this.#waiting.length <= WAITING_MAX) return;
    this.#waiting = [];
    this.#wanted = true;
  }

  /** The table must be read: at once, or a moment after the last read. */
  #want(): void {
    this.#wanted = true;
    if (this.#busy || this.#readTimer !== undefined || this.#closing !== null) return;
    if (!this.#subscribed || this.#reading.client === null) return;
    void this.#read(this.#reading.client);
  }

  async #read(client: Redis): Promise<void> {
    this.#busy = true;
    this.#wanted = false;
    this.#reads += 1;
    if (this.#reads > 1) this.feed.stats.rereads += 1;
    const heard = this.#waiting.at(-1);
    const table = await this.#readOnce(client);
    if (table && heard !== undefined && isBefore(table, heard) && client === this.#reading.client) {
      // A message comes with its table, so this is another Redis: after a failover one connection may have stayed behind.
      this.#reading.reset('it holds an older table than the messages name');
    }
    if (table === undefined) this.#wanted = true;
    else if (table === null) this.#readFault = 'Redis holds no table: no daemon has led yet, or Redis was emptied';
    else if (this.#closing === null) this.feed.offer(table);
    this.#busy = false;
    this.#replay();
    this.#pause(table === undefined ? RETRY_PAUSE_MS : READ_PAUSE_MS);
  }

  /** The table; null when there is none, undefined when it cannot be read (`#readFault` says why). */
  async #readOnce(client: Redis): Promise<StatusTable | null | undefined> {
    let flat: readonly string[];
    try {
      flat = (await client.call('HGETALL', [this.#keys.table])) as readonly string[];
    } catch (error) {
      this.#readFault = `cannot read the table: ${(error as Error).message}`;
      if (this.#closing === null) this.#reading.failed(client, error);
      return undefined;
    }
    this.#readFault = '';
    try {
      return parseStored(flat);
    } catch (error) {
      this.#readFault = (error as Error).message;
      return undefined;
    }
  }

  #replay(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) {
      if (this.feed.receive(message, monotonicMs())) this.#wanted = true;
    }
  }

  #pause(delayMs: number): void {
    this.#tellTransport();
    if (this.#closing !== null) return;
    this.#readTimer = setTimeout(() => {
      this.#readTimer = undefined;
      if (this.#wanted) this.#want();
    }, delayMs);
  }
}

/** Throws a RangeError when the options are wrong. */
export function createRedisSubscriber(options: RedisOptions, log: Logger): BusSubscriber {
  return new RedisSubscriber(options, log);
}
