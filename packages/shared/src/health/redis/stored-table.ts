/**
 * The status table as a Redis hash, one field a service and one an endpoint, so that a change writes only what it
 * touches. Fields: `epoch`, `version`, `timestampMs`, `publisher`; `s:<service>` = '1'; `e:<endpoint key>` = JSON.
 */

import type { Parcel } from '../outbox.js';
import type { EndpointRecord, StatusTable } from '../table.js';
import { parseRecord, parseStamp } from '../table-codec.js';

const SERVICE = 's:';
const ENDPOINT = 'e:';

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A number as Redis holds it; anything else stays what it is, to be refused. */
function numberOf(text: string | undefined): unknown {
  return text !== undefined && /^\d{1,16}(\.\d+)?$/.test(text) ? Number(text) : text;
}

/**
 * The table in a hash, given as alternating fields and values; null when there is none. Throws a RangeError that names
 * the field when there is something else: half a table must never be taken for one.
 */
export function parseStored(flat: readonly string[]): StatusTable | null {
  if (flat.length === 0) return null;
  const meta = new Map<string, string>();
  const services = new Set<string>();
  const endpoints = new Map<string, EndpointRecord>();
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const field = flat[index] as string;
    const value = flat[index + 1] as string;
    if (field.startsWith(SERVICE)) services.add(field.slice(SERVICE.length));
    else if (field.startsWith(ENDPOINT)) endpoints.set(field.slice(ENDPOINT.length), recordOf(field, value));
    else meta.set(field, value);
  }
  const stamp = parseStamp({
    epoch: numberOf(meta.get('epoch')),
    version: numberOf(meta.get('version')),
    timestampMs: numberOf(meta.get('timestampMs')),
    publisher: meta.get('publisher'),
  });
  if (stamp === null) throw new RangeError('the stored table has no valid epoch, version, timestampMs and publisher');
  return { ...stamp, services, endpoints };
}

function recordOf(field: string, value: string): EndpointRecord {
  const record = parseRecord(jsonOf(value));
  if (record === null) throw new RangeError(`the stored table has no endpoint record in field ${field.slice(0, 200)}`);
  return record;
}

export interface FieldChanges {
  /** Alternating fields and values. */
  readonly set: readonly string[];
  readonly remove: readonly string[];
}

/** What a parcel writes; a whole table replaces everything, so it removes nothing. */
export function fieldChanges(parcel: Parcel): FieldChanges {
  const { change } = parcel;
  const set: string[] = [];
  for (const service of change?.addServices ?? parcel.services) set.push(`${SERVICE}${service}`, '1');
  for (const [key, record] of change?.set ?? parcel.endpoints) set.push(`${ENDPOINT}${key}`, JSON.stringify(record));
  const remove = (change?.removeServices ?? []).map((service) => `${SERVICE}${service}`);
  return { set, remove: [...remove, ...(change?.remove ?? []).map((key) => `${ENDPOINT}${key}`)] };
}
