/**
 * The version of a snapshot: a digest of what it says.
 *
 * Equal configuration has an equal version on every machine, whatever the order of files and keys: the compiler writes
 * each object's fields in one order and copies no mapping of a manifest, so the text of equal contents is equal. Pure.
 */
import { createHash } from 'node:crypto';
import type { SnapshotContent } from './snapshot.js';

/** First 16 hex digits of the SHA-256 of the content as JSON. */
export function snapshotVersion(content: SnapshotContent): string {
  const { listeners, routes, rules, services } = content;
  return createHash('sha256').update(JSON.stringify({ listeners, routes, rules, services })).digest('hex').slice(0, 16);
}
