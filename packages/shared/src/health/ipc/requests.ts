/** What a subscriber says to the daemon at the other end of an IPC channel. Pure. */
import type { TableMessage } from '../table.js';
import { parseMessage } from '../table-codec.js';

/** The first message: the last table, to seed judgements from; null when there is none. The daemon leads from then on. */
export interface SeedRequest {
  readonly type: 'seed';
  readonly table: TableMessage | null;
}
/** Asks for the whole table. */
export interface ReadRequest {
  readonly type: 'read';
}
export type Request = SeedRequest | ReadRequest;

/** The request when `value` is one, else null. A seed whose table is none seeds nothing. */
export function parseRequest(value: unknown): Request | null {
  if (typeof value !== 'object' || value === null) return null;
  const { type, table } = value as { type?: unknown; table?: unknown };
  if (type === 'read') return { type };
  if (type !== 'seed') return null;
  const parsed = parseMessage(table);
  return { type, table: parsed?.type === 'table' ? parsed : null };
}
