/**
 * Values by path: the exact path, then prefixes by whole path elements, the longest first (Gateway API, HTTPPathMatch).
 *
 * Invariant: the same answer as trying the matches in their order, which the compiler sorts by precedence, at a cost that
 * does not grow with their number: only positions where a configured prefix could end are looked up. Of equal matches
 * the first one counts. Paths are compared as received, neither decoded nor normalised. Pure; runs in the workers.
 */
import type { PathMatchType } from '@sluice/shared/snapshot/snapshot';

export interface PathEntry<T> {
  readonly pathType: PathMatchType;
  /** Begins with `/`; a prefix has no trailing slash (`/` itself apart). */
  readonly path: string;
  readonly value: T;
}

export interface PathTable<T> {
  find(path: string): T | undefined;
}

const SLASH = 0x2f;

export function createPathTable<T>(entries: readonly PathEntry<T>[]): PathTable<T> {
  const exact = new Map<string, T>();
  const prefixes = new Map<string, T>();
  for (const { pathType, path, value } of entries) {
    const table = pathType === 'Exact' ? exact : prefixes;
    if (!table.has(path)) table.set(path, value);
  }
  const root = prefixes.get('/');
  prefixes.delete('/');
  const lengths = prefixLengths(prefixes);
  return {
    find(path) {
      const found = exact.size === 0 ? undefined : exact.get(path);
      if (found !== undefined) return found;
      return (prefixes.size === 0 ? undefined : findPrefix(prefixes, lengths, path)) ?? root;
    },
  };
}

/** One cell a length up to the longest prefix: 1 where a prefix of that length exists. */
function prefixLengths(prefixes: ReadonlyMap<string, unknown>): Uint8Array {
  let longest = 0;
  for (const prefix of prefixes.keys()) longest = Math.max(longest, prefix.length);
  const lengths = new Uint8Array(longest + 1);
  for (const prefix of prefixes.keys()) lengths[prefix.length] = 1;
  return lengths;
}

function findPrefix<T>(prefixes: ReadonlyMap<string, T>, lengths: Uint8Array, path: string): T | undefined {
  for (let length = Math.min(path.length, lengths.length - 1); length > 0; length--) {
    const isEnd = length === path.length || path.charCodeAt(length) === SLASH;
    if (!isEnd || lengths[length] === 0) continue;
    const value = prefixes.get(path.slice(0, length));
    if (value !== undefined) return value;
  }
  return undefined;
}
