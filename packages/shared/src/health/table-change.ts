/** A status table's membership with a change applied. Pure: a table is never changed in place. */
import type { StatusTable, TableChange } from './table.js';

type Membership = Pick<StatusTable, 'services' | 'endpoints'>;

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
