/** What a primary says to the daemon at the other end of an IPC channel. Pure. */
import type { TableMessage } from '../table.js';
import { parseMessage } from '../table-codec.js';

/** The bus's first message: the last table, to seed judgements from; null when there is none. The daemon leads from then on. */
export interface SeedRequest {
  readonly type: 'seed';
  readonly table: TableMessage | null;
}
/** Asks for the whole table. */
export interface ReadRequest {
  readonly type: 'read';
}
/** What is to be probed from now on. The daemon waits for its first one. */
export interface ConfigureRequest {
  readonly type: 'configure';
  /** For `decodeProbedServices`. */
  readonly services: string;
}
export type Request = SeedRequest | ReadRequest | ConfigureRequest;

/** The request when `value` is one, else null. A seed whose table is none seeds nothing. */
export function parseRequest(value: unknown): Request | null {
  if (typeof value !== 'object' || value === null) return null;
  const { type, table, services } = value as { type?: unknown; table?: unknown; services?: unknown };
  if (type === 'read') return { type };
  if (type === 'configure') return typeof services === 'string' ? { type, services } : null;
  if (type !== 'seed') return null;
  const parsed = parseMessage(table);
  return { type, table: parsed?.type === 'table' ? parsed : null };
}
