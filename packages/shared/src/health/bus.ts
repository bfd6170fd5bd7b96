/**
 * The two ends of the health bus, whatever carries it (Redis, or the IPC channel of an embedded daemon).
 *
 * A publisher has leadership inside: over Redis it is the holder of the lease, over IPC the only daemon leads at once. A
 * subscriber keeps order: its listener sees whole tables, and changes that follow each other without a gap. Both heal
 * every loss by themselves; neither throws after `start`.
 */
import type { StatusTable, TableChange } from './table.js';

export interface LeadershipEvents {
  /** This daemon leads from now on. `stored`: the table of its predecessor, to seed judgements from; null: none. */
  onElected(stored: StatusTable | null, epoch: number): void;
  /** This daemon leads no more; nothing that it publishes is taken. */
  onDeposed(reason: string): void;
}

export interface BusPublisher {
  start(events: LeadershipEvents): void;
  /**
   * Publishes a change, in order; calls of one turn may go out as one delta. The first of a reign must be the whole table
   * (`publishTable`). Ignored while this daemon does not lead. What could not be sent is sent as a whole table later.
   */
  publish(change: TableChange): void;
  /** Replaces the whole table. */
  publishTable(services: ReadonlySet<string>, endpoints: StatusTable['endpoints']): void;
  readonly leading: boolean;
  /** 0 while not leading. */
  readonly epoch: number;
  /** Why the bus cannot be reached now, in words; '' while it can. */
  readonly unreachable: string;
  /** Gives the lease back when it holds it. Idempotent. */
  close(): Promise<void>;
}

/** What a subscriber knows of the bus itself. */
export interface BusState {
  /** Heartbeats arrive, and the table is that of the last one. */
  readonly fresh: boolean;
  /** Why it is not, in words; '' when it is. */
  readonly reason: string;
  /** When it became what it is, ms since the epoch. */
  readonly sinceMs: number;
}

export interface BusListener {
  /** A whole table, which replaces everything: the first one, after a gap, a new reign or a reconnect. */
  onTable(table: StatusTable): void;
  /** A change that leads to `table`. */
  onChange(change: TableChange, table: StatusTable): void;
  /** `fresh` has changed. */
  onState(state: BusState): void;
}

export interface BusSubscriber {
  start(listener: BusListener): void;
  readonly state: BusState;
  /** The last table; null before the first one. */
  readonly table: StatusTable | null;
  /** Numbers for metrics. `lagMs`: from publication to arrival of the last message, by both machines' clocks. */
  readonly stats: {
    readonly lagMs: number;
    readonly reconnects: number;
    readonly rereads: number;
    readonly lastHeartbeatMs: number;
  };
  /** Idempotent. */
  close(): Promise<void>;
}
