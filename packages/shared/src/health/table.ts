/**
 * The status table: what healthd knows of every endpoint, and the messages of the health bus that carry it.
 *
 * Plain data, the same over Redis (as JSON) and over IPC. `epoch` names a leader's reign, `version` counts its changes
 * from 0; together they order everything that was ever published. Membership is part of the table: an endpoint that is
 * not in it does not exist, and a service without an endpoint is in `services` all the same.
 */

/** `draining`: membership says that it is going away; it is not probed and gets nothing new. */
export type HealthStatus = 'unknown' | 'healthy' | 'unhealthy' | 'draining';

export interface EndpointRecord {
  /** IPv4 or IPv6 in canonical text form, without brackets. */
  readonly address: string;
  readonly port: number;
  readonly status: HealthStatus;
  /** Why in words, for people: of the last probe that failed; '' while there is nothing to say. One line. */
  readonly why: string;
  /** When the status became what it is, ms since the epoch. */
  readonly sinceMs: number;
  /** When the last probe ended, ms since the epoch, and how long it took; 0: none yet. */
  readonly probedAtMs: number;
  readonly probeMs: number;
}

export interface StatusTable {
  readonly epoch: number;
  readonly version: number;
  /** When it was published, ms since the epoch, by the publisher's clock. */
  readonly timestampMs: number;
  /** Identity of the daemon that published it. */
  readonly publisher: string;
  /** `namespace/name/port`. */
  readonly services: ReadonlySet<string>;
  /** By `endpointKey` (snapshot/endpoint-key.ts): `namespace/name/port/ip:port`. */
  readonly endpoints: ReadonlyMap<string, EndpointRecord>;
}

/** What differs between two tables. */
export interface TableChange {
  readonly addServices: readonly string[];
  readonly removeServices: readonly string[];
  readonly set: readonly (readonly [key: string, record: EndpointRecord])[];
  readonly remove: readonly string[];
}

interface Stamp {
  readonly epoch: number;
  readonly version: number;
  readonly timestampMs: number;
  readonly publisher: string;
}

/** A whole table, as it crosses a process boundary: JSON-safe. */
export interface TableMessage extends Stamp {
  readonly type: 'table';
  readonly services: readonly string[];
  readonly endpoints: readonly (readonly [key: string, record: EndpointRecord])[];
}
/** Leads from `version - 1` of the same epoch to `version`. */
export interface DeltaMessage extends Stamp, TableChange {
  readonly type: 'delta';
}
/** Every second; names the version that a subscriber should have by now. */
export interface HeartbeatMessage extends Stamp {
  readonly type: 'heartbeat';
}
export type BusMessage = TableMessage | DeltaMessage | HeartbeatMessage;

export const HEARTBEAT_INTERVAL_MS = 1000;
/** Without a heartbeat for so long what is known is stale. */
export const STALE_AFTER_MS = 3 * HEARTBEAT_INTERVAL_MS;
