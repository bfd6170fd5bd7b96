/**
 * Status tables and bus messages as plain data, and back. What arrives from outside is checked field by field: a message
 * that is not one is null, never an exception, and nothing of it is kept.
 */
import { isIP } from 'node:net';
import type {
  BusMessage,
  DeltaMessage,
  EndpointRecord,
  HealthStatus,
  HeartbeatMessage,
  StatusTable,
  TableMessage,
} from './table.js';

type Stamp = Pick<StatusTable, 'epoch' | 'version' | 'timestampMs' | 'publisher'>;
type Fields = Readonly<Record<string, unknown>>;

const STATUSES: ReadonlySet<unknown> = new Set<HealthStatus>(['unknown', 'healthy', 'unhealthy', 'draining']);

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isMoment(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** The record when `value` is one, with no other field than a record's; else null. */
export function parseRecord(value: unknown): EndpointRecord | null {
  if (!isFields(value)) return null;
  const { address, port, status, why, sinceMs, probedAtMs, probeMs } = value;
  if (typeof address !== 'string' || isIP(address) === 0 || typeof why !== 'string') return null;
  if (!isCount(port) || port === 0 || port > 65_535 || !STATUSES.has(status)) return null;
  if (!isMoment(sinceMs) || !isMoment(probedAtMs) || !isMoment(probeMs)) return null;
  return { address, port, status: status as HealthStatus, why, sinceMs, probedAtMs, probeMs };
}

type Entry = readonly [key: string, record: EndpointRecord];

function parseEntries(value: unknown): readonly Entry[] | null {
  if (!Array.isArray(value)) return null;
  const entries: Entry[] = [];
  for (const item of value) {
    if (!Array.isArray(item) || item.length !== 2 || typeof item[0] !== 'string') return null;
    const record = parseRecord(item[1]);
    if (record === null) return null;
    entries.push([item[0], record]);
  }
  return entries;
}

/** Epoch, version, time and publisher of whatever carries them; null when one is missing or no such thing. */
export function parseStamp(value: Fields): Stamp | null {
  const { epoch, version, timestampMs, publisher } = value;
  if (!isCount(epoch) || !isCount(version) || !isMoment(timestampMs) || typeof publisher !== 'string') return null;
  return { epoch, version, timestampMs, publisher };
}

function parseTable(value: Fields, stamp: Stamp): TableMessage | null {
  const endpoints = parseEntries(value.endpoints);
  if (endpoints === null || !isStrings(value.services)) return null;
  return { type: 'table', ...stamp, services: value.services, endpoints };
}

function parseDelta(value: Fields, stamp: Stamp): DeltaMessage | null {
  const { addServices, removeServices, remove } = value;
  const set = parseEntries(value.set);
  if (set === null || !isStrings(addServices) || !isStrings(removeServices) || !isStrings(remove)) return null;
  return { type: 'delta', ...stamp, addServices, removeServices, set, remove };
}

/** The message when `value` is one, else null. */
export function parseMessage(value: unknown): BusMessage | null {
  if (!isFields(value)) return null;
  const stamp = parseStamp(value);
  if (stamp === null) return null;
  if (value.type === 'table') return parseTable(value, stamp);
  if (value.type === 'delta') return parseDelta(value, stamp);
  return value.type === 'heartbeat' ? { type: 'heartbeat', ...stamp } : null;
}

/** The message in a JSON text, else null. */
export function parseMessageText(text: string): BusMessage | null {
  try {
    return parseMessage(JSON.parse(text));
  } catch {
    return null;
  }
}

export function tableToMessage(table: StatusTable): TableMessage {
  return { type: 'table', ...stampOf(table), services: [...table.services], endpoints: [...table.endpoints] };
}

export function messageToTable(message: TableMessage): StatusTable {
  return { ...stampOf(message), services: new Set(message.services), endpoints: new Map(message.endpoints) };
}

export function heartbeatOf(stamp: Stamp): HeartbeatMessage {
  return { type: 'heartbeat', ...stampOf(stamp) };
}

export function stampOf({ epoch, version, timestampMs, publisher }: Stamp): Stamp {
  return { epoch, version, timestampMs, publisher };
}
