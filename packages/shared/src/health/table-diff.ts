/** Differences between status tables, and tables with a change applied. Pure: a table is never changed in place. */
import type { EndpointRecord, StatusTable, TableChange } from './table.js';

type Membership = Pick<StatusTable, 'services' | 'endpoints'>;

function sameRecord(a: EndpointRecord, b: EndpointRecord): boolean {
  return (
    a === b ||
    (a.address === b.address &&
      a.port === b.port &&
      a.status === b.status &&
      a.why === b.why &&
      a.sinceMs === b.sinceMs &&
      a.probedAtMs === b.probedAtMs &&
      a.probeMs === b.probeMs)
  );
}

/** What leads from `from` to `to`; `from` null: everything is new. */
export function diffTables(from: Membership | null, to: Membership): TableChange {
  const set: [string, EndpointRecord][] = [];
  for (const [key, record] of to.endpoints) {
    const before = from?.endpoints.get(key);
    if (before === undefined || !sameRecord(before, record)) set.push([key, record]);
  }
  return {
    addServices: [...to.services].filter((service) => from === null || !from.services.has(service)),
    removeServices: from === null ? [] : [...from.services].filter((service) => !to.services.has(service)),
    set,
    remove: from === null ? [] : [...from.endpoints.keys()].filter((key) => !to.endpoints.has(key)),
  };
}

export function isEmptyChange(change: TableChange): boolean {
  return (
    change.addServices.length + change.removeServices.length === 0 && change.set.length + change.remove.length === 0
  );
}

/** Membership with `change` applied. Removing comes first, so that what is removed and set again is there. */
export function applyChange(table: Membership, change: TableChange): Membership {
  const services = new Set(table.services);
  for (const service of change.removeServices) services.delete(service);
  for (const service of change.addServices) services.add(service);
  const endpoints = new Map(table.endpoints);
  for (const key of change.remove) endpoints.delete(key);
  for (const [key, record] of change.set) endpoints.set(key, record);
  return { services, endpoints };
}
