/**
 * Values by path: of the entries that fit, the one that stands first in the list.
 *
 * The compiler lists matches by precedence (more specific hostname of the route, then exact path, then longest prefix,
 * by whole path elements, then what is wanted beside the path), and an index must give the same answer as that list, at
 * a cost that grows with the conditional entries of one path alone: only the exact path and the places where a configured
 * prefix could end are looked up. Paths are compared as received, neither decoded nor normalised.
 * Pure; runs in the workers.
 */
import type { PathMatchType } from '@sluice/shared/snapshot/snapshot';
import { type Conditions, meets, type RequestView } from './request-match.js';

export interface PathEntry<T> {
  readonly pathType: PathMatchType;
  /** Begins with `/`; a prefix has no trailing slash (`/` itself apart). */
  readonly path: string;
  /** What the request must meet beside the path; undefined when that is nothing. */
  readonly conditions: Conditions | undefined;
  readonly value: T;
}

export interface PathTable<T> {
  find(path: string, request: RequestView): T | undefined;
}

const SLASH = 0x2f;

/** A value and its place in the list. */
interface Placed<T> {
  readonly value: T;
  readonly position: number;
  readonly conditions: Conditions | undefined;
}

/** The entries of one path by position. Only the last can be without conditions: nothing behind it is ever reached. */
type PlacedList<T> = Placed<T>[];

export function createPathTable<T>(entries: readonly PathEntry<T>[]): PathTable<T> {
  const exact = new Map<string, PlacedList<T>>();
  const prefixes = new Map<string, PlacedList<T>>();
  for (const [position, { pathType, path, conditions, value }] of entries.entries()) {
    append(pathType === 'Exact' ? exact : prefixes, path, { value, position, conditions });
  }
  const root = prefixes.get('/');
  prefixes.delete('/');
  const lengths = prefixLengths(prefixes);
  return {
    find(path, request) {
      const found = exact.size === 0 ? undefined : earlier(undefined, exact.get(path), request);
      const first = earlier(found, root, request);
      return (prefixes.size === 0 ? first : earliestPrefix(prefixes, lengths, path, request, first))?.value;
    },
  };
}

function append<T>(table: Map<string, PlacedList<T>>, path: string, placed: Placed<T>): void {
  const list = table.get(path);
  if (list === undefined) table.set(path, [placed]);
  else if (list.at(-1)?.conditions !== undefined) list.push(placed);
}

/** The first of the list that the request meets, when it stands before `best`; else `best`. */
function earlier<T>(
  best: Placed<T> | undefined,
  list: PlacedList<T> | undefined,
  request: RequestView,
): Placed<T> | undefined {
  if (list === undefined) return best;
  for (const placed of list) {
    if (best !== undefined && best.position < placed.position) return best;
    if (placed.conditions === undefined || meets(request, placed.conditions)) return placed;
  }
  return best;
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
  prefixes: ReadonlyMap<string, PlacedList<T>>,
  lengths: Uint8Array,
  path: string,
  request: RequestView,
  first: Placed<T> | undefined,
): Placed<T> | undefined {
  let best = first;
  for (let length = Math.min(path.length, lengths.length - 1); length > 0; length--) {
    const isEnd = length === path.length || path.charCodeAt(length) === SLASH;
    if (isEnd && lengths[length] !== 0) best = earlier(best, prefixes.get(path.slice(0, length)), request);
  }
  return best;
}
