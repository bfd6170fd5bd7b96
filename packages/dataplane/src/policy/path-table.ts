/**
 * The match of a host that takes a path and the rest of a request: the one that stands first in the host's list.
 *
 * The compiler lists matches by precedence (more specific hostname of the route, then exact path, then longest prefix,
 * by whole path elements, then what is wanted beside the path), and the index gives the same answer as that list: only the
 * exact path, the places where a prefix can end, and the host's expressions are looked up, and of what fits the earliest
 * in the list counts. Paths are compared as received, neither decoded nor normalised. Nothing is allocated.
 * Pure; runs in the workers.
 */
import { KeyTable, NO_KEY } from '@sluice/shared/snapshot/flat/key-table';
import type { RecordList } from '@sluice/shared/snapshot/flat/records';
import { Host, Pattern, type RoutingIndex } from '@sluice/shared/snapshot/flat/routing';
import { Expression } from './expression.js';
import { MatchList, NO_MATCH } from './match-list.js';
import type { RequestView } from './request-match.js';

const SLASH = 0x2f;

export class PathTable {
  readonly #keys: KeyTable;
  readonly #hosts: Int32Array;
  readonly #lists: Int32Array;
  readonly #list: MatchList;
  readonly #patterns: RecordList<Expression>;
  /** Lists of the prefixes found last, the shortest first; reused. */
  readonly #prefixes: number[] = [];

  constructor(routing: RoutingIndex) {
    this.#keys = routing.keys;
    this.#hosts = routing.hosts;
    this.#lists = routing.lists;
    this.#list = new MatchList(routing);
    this.#patterns = routing.patterns((source) => new Expression(source));
  }

  /** Number of the match, or NO_MATCH. `path`: without query. */
  find(host: number, path: string, request: RequestView): number {
    const row = Host.columns * host;
    const scope = this.#hosts[row + Host.pathScope] as number;
    let best = NO_MATCH;
    if (path.length <= (this.#hosts[row + Host.exactMax] as number)) {
      const list = this.#keys.find(scope + 1, path);
      if (list !== NO_KEY) best = this.#list.earliest(list, request, best);
    }
    this.#findPrefixes(scope, this.#hosts[row + Host.prefixMax] as number, path);
    for (let at = this.#prefixes.length - 1; at >= 0; at--) {
      best = this.#list.earliest(this.#prefixes[at] as number, request, best);
    }
    return this.#earliestPattern(row, path, request, best);
  }

  /** One probe at every place where a configured prefix could end. */
  #findPrefixes(scope: number, prefixMax: number, path: string): void {
    this.#prefixes.length = 0;
    const end = Math.min(path.length, prefixMax);
    let state = this.#keys.start(scope);
    for (let at = 0; at <= end; at++) {
      if (at === 0 || at === path.length || path.charCodeAt(at) === SLASH) {
        const list = this.#keys.findHashed(scope, path, 0, at, state);
        if (list !== NO_KEY) this.#prefixes.push(list);
      }
      state = KeyTable.step(state, path.charCodeAt(at));
    }
  }

  /** Expressions are tried one by one, and only those that have a match before `best`. */
  #earliestPattern(row: number, path: string, request: RequestView, best: number): number {
    let at = this.#hosts[row + Host.patterns] as number;
    let found = best;
    for (let left = this.#hosts[row + Host.patternCount] as number; left > 0; left--) {
      if ((this.#lists[at + Pattern.firstMatch] as number) >= found) return found;
      const pattern = this.#patterns.at(this.#lists[at + Pattern.record] as number);
      if (pattern !== undefined && request.matches(pattern, path)) {
        found = this.#list.earliest(this.#lists[at + Pattern.list] as number, request, found);
      }
      at += Pattern.columns;
    }
    return found;
  }
}
