/**
 * Rows of the routing index: what a router reads of a snapshot, as integers that lead to one another.
 *
 * listener (its port's hostnames; its hosts by hostname) → host (its paths; its expressions) → list of matches of one
 * path → match (rule, conditions). Keys of hostnames are as `hostnameKey` gives them, of prefixes as `prefixKey` does.
 * Written by routing-writer.ts, read by the router of the data plane.
 */
import { KeyTable } from './key-table.js';
import { RecordList } from './records.js';
import type { Sections } from './sections.js';

/** Columns of a listener. */
export const Listener = {
  /** Scope of the hostnames of all listeners of its port; a key leads to the first listener of a hostname. */
  portScope: 0,
  /** Length of the longest wildcard's key among them; 0: there is none. */
  portSuffixMax: 1,
  /** The next listener of the same port and hostname, or -1. */
  next: 2,
  /** Scope of the hostnames of its hosts; a key leads to a host. */
  hostScope: 3,
  hostSuffixMax: 4,
  columns: 5,
} as const;

/** Columns of a host. */
export const Host = {
  /** Scope of its prefixes; that of its exact paths is the next. A key leads to a list. */
  pathScope: 0,
  /** Length of the longest prefix, -1 when there is none; exact paths alike. */
  prefixMax: 1,
  exactMax: 2,
  /** Where in the lists its expressions are, `Pattern.columns` each, and how many. */
  patterns: 3,
  patternCount: 4,
  columns: 5,
} as const;

/** Columns of a path expression, in order of the first match of each. */
export const Pattern = {
  /** Index of the record. */
  record: 0,
  list: 1,
  firstMatch: 2,
  columns: 3,
} as const;

/** Head of a list; matches follow, in order: those that have to be tried one by one. */
export const List = {
  /**
   * 0, or the first of three scopes by which the other matches are found: header names, parameter names, methods. A name
   * leads to the scope of its values, a value or method to a list.
   */
  scope: 0,
  /** Which of the scopes hold something: bits of `Kind`. */
  kinds: 1,
  /** `nameBit` of every header name: most fields of a request need not be looked up. */
  names: 2,
  /** Of the matches that follow. */
  count: 3,
  head: 4,
} as const;

/** What a match is found by in a list; also the distance of its scope from `List.scope`. */
export const Kind = { header: 0, parameter: 1, method: 2 } as const;

/** Columns of a match. The matches of a host lie together, in order of precedence. */
export const Match = {
  rule: 0,
  /** Characters that its PathPrefix covers; 0 for `/` and other types. */
  prefixLength: 1,
  /** Index of the record of what it wants beside the path, or -1. */
  conditions: 2,
  columns: 3,
} as const;

/** One of 32 bits. */
export function nameBit(name: string): number {
  return 1 << ((name.length ^ name.charCodeAt(name.length - 1)) & 31);
}

export interface RoutingIndex {
  readonly keys: KeyTable;
  readonly listeners: Int32Array;
  readonly hosts: Int32Array;
  readonly lists: Int32Array;
  readonly matches: Int32Array;
  /** JSON of `Pick<MatchSnapshot, 'method' | 'headers' | 'queryParams'>`. */
  conditions<T>(decode: (json: string) => T): RecordList<T>;
  /** Expressions of paths. */
  patterns<T>(decode: (expression: string) => T): RecordList<T>;
}

export function openRouting(sections: Sections): RoutingIndex {
  const { listeners, hosts, lists, matches } = sections;
  return {
    keys: new KeyTable(sections),
    listeners,
    hosts,
    lists,
    matches,
    conditions: (decode) => new RecordList(sections, 'conditions', decode),
    patterns: (decode) => new RecordList(sections, 'patterns', decode),
  };
}

/** `.example.com` for `*.example.com`; no hostname begins with a dot, so both kinds share a scope. */
export function hostnameKey(hostname: string): string {
  return hostname.startsWith('*.') ? hostname.slice(1) : hostname;
}

/** `''` for `/`: a prefix covers whole elements, so what follows it is nothing or begins with a slash. */
export function prefixKey(path: string): string {
  return path === '/' ? '' : path;
}
