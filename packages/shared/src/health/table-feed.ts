/**
 * A subscriber without its transport: keeps the table in order (table-state.ts), knows whether it is fresh, and tells the
 * listener. The transport hands in what arrives and does what is asked for: read again, or connect anew.
 *
 * Fresh means: within the last 3 heartbeat intervals the publisher has confirmed that this is its table. Time comes from
 * the caller (`monotonicMs`). A fault of the listener is logged and stops here.
 */
import type { Logger } from '../log.js';
import type { BusListener, BusState, BusSubscriber } from './bus.js';
import { type BusMessage, STALE_AFTER_MS, type StatusTable } from './table.js';
import { type Outcome, TableState } from './table-state.js';

/** A watch that comes so late was held up itself, and may have arrivals waiting: it judges the next time. */
const WATCH_LATE_MS = 750;
/** Between forced reconnects: so many stale intervals at most. */
const PATIENCE_MAX = 4;

export const WATCH_INTERVAL_MS = 250;

const SILENT: BusListener = { onTable: () => undefined, onChange: () => undefined, onState: () => undefined };

export class TableFeed {
  readonly #log: Logger;
  readonly #tables = new TableState();
  #listener = SILENT;
  #fresh = false;
  /** Whether fresh or stale has been logged yet. */
  #judged = false;
  #sinceMs = Date.now();
  /** What the transport has to say of itself; '' when it works. */
  #transport = '';
  #confirmedAt = Number.NEGATIVE_INFINITY;
  readonly #beganAt: number;
  #heartbeatAt: number;
  #reconnectAt: number;
  #patience = 1;
  #watchedAt: number;
  readonly stats = { lagMs: 0, reconnects: 0, rereads: 0, lastHeartbeatMs: 0 };

  constructor(log: Logger, nowMs: number) {
    this.#log = log;
    this.#beganAt = nowMs;
    this.#heartbeatAt = nowMs;
    this.#reconnectAt = nowMs;
    this.#watchedAt = nowMs;
  }

  get table(): StatusTable | null {
    return this.#tables.table;
  }

  get state(): BusState {
    return { fresh: this.#fresh, reason: this.#fresh ? '' : this.#reason(), sinceMs: this.#sinceMs };
  }

  start(listener: BusListener): void {
    this.#listener = listener;
  }

  /** Takes a message. True: the table must be read again. */
  receive(message: BusMessage, nowMs: number): boolean {
    this.stats.lagMs = Math.max(0, Date.now() - message.timestampMs);
    const outcome = this.#tables.apply(message);
    if (outcome.kind === 'older') return false;
    this.stats.lastHeartbeatMs = Date.now();
    this.#heartbeatAt = nowMs;
    if (outcome.kind === 'behind') return true;
    this.#show(outcome);
    this.#confirm(nowMs);
    return false;
  }

  /** A table that was read. An older one than that at hand is shown only when a message has confirmed it. */
  offer(table: StatusTable): void {
    if (this.#tables.offer(table)) this.#tell((listener) => listener.onTable(table));
  }

  /** A table of the publisher itself: what is true now, whatever came before. */
  replace(table: StatusTable): void {
    this.#tables.replace(table);
    this.#tell((listener) => listener.onTable(table));
  }

  /** The transport is down, and why; '' when it is up. */
  transport(reason: string): void {
    this.#transport = reason;
  }

  /** To be called every `WATCH_INTERVAL_MS`. True: connect anew, nothing has been heard for too long. */
  watch(nowMs: number): boolean {
    const late = nowMs - this.#watchedAt > WATCH_LATE_MS;
    this.#watchedAt = nowMs;
    if (late || nowMs - this.#confirmedAt < STALE_AFTER_MS) return false;
    // A table that nobody has ever confirmed is as old as one that is not confirmed any more.
    if (this.#fresh) this.#turn(false);
    else if (!this.#judged && nowMs - this.#beganAt >= STALE_AFTER_MS) this.#say();
    if (nowMs - Math.max(this.#heartbeatAt, this.#reconnectAt) < STALE_AFTER_MS * this.#patience) return false;
    this.#reconnectAt = nowMs;
    this.#patience = Math.min(PATIENCE_MAX, this.#patience + 1);
    return true;
  }

  #confirm(nowMs: number): void {
    this.#confirmedAt = nowMs;
    this.#patience = 1;
    if (!this.#fresh) this.#turn(true);
  }

  #show(outcome: Outcome): void {
    const table = this.#tables.table as StatusTable;
    if (outcome.kind === 'replaced') this.#tell((listener) => listener.onTable(table));
    if (outcome.kind === 'changed') this.#tell((listener) => listener.onChange(outcome.change, table));
  }

  #turn(fresh: boolean): void {
    this.#fresh = fresh;
    this.#sinceMs = Date.now();
    const { state } = this;
    this.#say();
    this.#tell((listener) => listener.onState(state));
  }

  #say(): void {
    this.#judged = true;
    if (this.#fresh) this.#log.info('the health status is fresh');
    else this.#log.warn({ reason: this.#reason() }, 'the health status is stale');
  }

  #reason(): string {
    if (this.#transport !== '') return this.#transport;
    if (this.#confirmedAt > Number.NEGATIVE_INFINITY)
      return `no heartbeat for ${STALE_AFTER_MS / 1000} s: no daemon leads`;
    return this.table === null ? 'no table has been published yet' : 'waiting for the first heartbeat';
  }

  #tell(call: (listener: BusListener) => void): void {
    try {
      call(this.#listener);
    } catch (error) {
      this.#log.error(error, 'the listener of the health bus failed');
    }
  }
}

/** The parts of a `BusSubscriber` that are the feed's own. */
export abstract class FeedSubscriber implements BusSubscriber {
  protected readonly feed: TableFeed;

  constructor(feed: TableFeed) {
    this.feed = feed;
  }

  get state(): BusState {
    return this.feed.state;
  }

  get table(): StatusTable | null {
    return this.feed.table;
  }

  get stats(): BusSubscriber['stats'] {
    return this.feed.stats;
  }

  abstract start(listener: BusListener): void;
  abstract close(): Promise<void>;
}
