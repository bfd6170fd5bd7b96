/**
 * Values by path: of the entries that fit, the one that stands first in the list.
 *
 * The compiler lists matches by precedence (more specific hostname of the route, then exact path, then longest prefix,
 * by whole path elements), and an index must give the same answer as that list, at a cost that does not grow with it:
 * only the exact path and the places where a configured prefix could end are looked up. Paths are compared as received,
 * neither decoded nor normalised. Pure; runs in the workers.
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

/** A value and its place in the list. */
interface Placed<T> {
  readonly value: T;
  readonly position: number;
}

export function createPathTable<T>(entries: readonly PathEntry<T>[]): PathTable<T> {
  const exact = new Map<string, Placed<T>>();
  const prefixes = new Map<string, Placed<T>>();
  for (const [position, { pathType, path, value }] of entries.entries()) {
    const table = pathType === 'Exact' ? exact : prefixes;
    if (!table.has(path)) table.set(path, { value, position });
  }
  const root = prefixes.get('/');
  prefixes.delete('/');
  const lengths = prefixLengths(prefixes);
  return {
    find(path) {
      const found = exact.size === 0 ? undefined : exact.get(path);
      const first = earlier(found, root);
      return (prefixes.size === 0 ? first : earliestPrefix(prefixes, lengths, path, first))?.value;
    },
  };
}

function earlier<T>(a: Placed<T> | undefined, b: Placed<T> | undefined): Placed<T> | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.position < b.position ? a : b;
}

/** One cell a length up to the longest prefix: 1 where a prefix of that length exists. */
function prefixLengths(prefixes: ReadonlyMap<string, unknown>): Uint8Array {
  let longest = 0;
  for (const prefix of prefixes.keys()) longest = Math.max(longest, prefix.length);
  const lengths = new Uint8Array(longest + 1);
  for (const prefix of prefixes.keys()) lengths[prefix.length] = 1;
  return lengths;
}

/** The earliest of `first` and every prefix that fits. */
function earliestPrefix<T>(
  prefixes: ReadonlyMap<string, Placed<T>>,
  lengths: Uint8Array,
  path: string,
  first: Placed<T> | undefined,
): Placed<T> | undefined {
  let best = first;
  for (let length = Math.min(path.length, lengths.length - 1); length > 0; length--) {
    const isEnd = length === path.length || path.charCodeAt(length) === SLASH;
    if (isEnd && lengths[length] !== 0) best = earlier(best, prefixes.get(path.slice(0, length)));
  }
  return best;
}
