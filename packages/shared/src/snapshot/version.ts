/**
 * The version of a snapshot: a digest of what it says.
 *
 * Equal configuration has an equal version on every machine, whatever the order of files and keys. Pure.
 */
import { createHash } from 'node:crypto';
import type { SnapshotContent } from './snapshot.js';

/** First 16 hex digits of the SHA-256 of the content as canonical JSON (keys sorted). */
export function snapshotVersion(content: SnapshotContent): string {
  const { listeners, routes, rules, services } = content;
  return createHash('sha256').update(canonicalJson({ listeners, routes, rules, services })).digest('hex').slice(0, 16);
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) => {
    if (typeof field !== 'object' || field === null || Array.isArray(field)) return field;
    return Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
