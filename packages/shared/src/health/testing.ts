/** Tables and messages for the tests of the health bus. */
import { endpointKey } from '../snapshot/endpoint-key.js';
import type { BusListener, BusState } from './bus.js';
import type { EndpointRecord, HealthStatus, StatusTable, TableChange } from './table.js';

export const SERVICE = 'default/echo/80';

export function record(port: number, status: HealthStatus = 'healthy', why = ''): EndpointRecord {
  return { address: '10.0.0.1', port, status, why, sinceMs: 1_000, probedAtMs: 2_000, probeMs: 1.5 };
}

export function keyOf(port: number): string {
  return endpointKey(SERVICE, '10.0.0.1', port);
}

/** Endpoints of one service, by port. */
export function endpoints(...ports: readonly number[]): Map<string, EndpointRecord> {
  return new Map(ports.map((port) => [keyOf(port), record(port)]));
}

export function change(parts: Partial<TableChange>): TableChange {
  return { addServices: [], removeServices: [], set: [], remove: [], ...parts };
}

export function setStatus(port: number, status: HealthStatus): TableChange {
  return change({ set: [[keyOf(port), record(port, status)]] });
}

export function table(parts: Partial<StatusTable> = {}): StatusTable {
  const membership = { services: new Set([SERVICE]), endpoints: endpoints(1, 2) };
  return { epoch: 10, version: 0, timestampMs: 5_000, publisher: 'a', ...membership, ...parts };
}

/** What a table says, in a form that can be compared. */
export function contents(of: Pick<StatusTable, 'services' | 'endpoints'> | null): unknown {
  if (of === null) return null;
  return { services: [...of.services].sort(), endpoints: Object.fromEntries([...of.endpoints].sort()) };
}

/** Keeps all that a listener is told. */
export class Recorder implements BusListener {
  readonly tables: StatusTable[] = [];
  readonly changes: TableChange[] = [];
  readonly states: BusState[] = [];
  /** Every table in the order in which it was shown, whole or changed. */
  readonly seen: StatusTable[] = [];

  onTable(shown: StatusTable): void {
    this.tables.push(shown);
    this.seen.push(shown);
  }

  onChange(what: TableChange, shown: StatusTable): void {
    this.changes.push(what);
    this.seen.push(shown);
  }

  onState(state: BusState): void {
    this.states.push(state);
  }
}
