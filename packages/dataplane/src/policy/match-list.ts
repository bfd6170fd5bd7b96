/**
 * The first match of a list that a request meets (shared/snapshot/flat/routing.ts says how lists lie).
 *
 * Invariant: the answer is that of trying all of the list in order. A long list is asked by what the request has (fields,
 * parameters, method), so the cost grows with the request, which is bounded, and not with the list. Runs in the workers.
 */
import { type KeyTable, NO_KEY } from '@sluice/shared/snapshot/flat/key-table';
import type { RecordList } from '@sluice/shared/snapshot/flat/records';
import { Kind, List, Match, nameBit, type RoutingIndex } from '@sluice/shared/snapshot/flat/routing';
import { Conditions } from './conditions.js';
import type { RequestView } from './request-match.js';

/** Greater than the number of every match. */
export const NO_MATCH = 0x7fff_ffff;

export class MatchList {
  readonly #keys: KeyTable;
  readonly #lists: Int32Array;
  readonly #matches: Int32Array;
  readonly #conditions: RecordList<Conditions>;

  constructor(routing: RoutingIndex) {
    this.#keys = routing.keys;
    this.#lists = routing.lists;
    this.#matches = routing.matches;
    this.#conditions = routing.conditions(Conditions.parse);
  }

  /** The first match of the list at `list` that the request meets when it stands before `best`; else `best`. */
  earliest(list: number, request: RequestView, best: number): number {
    const scope = this.#lists[list + List.scope] as number;
    const found = scope === 0 ? best : this.#byRequest(list, scope, request, best);
    return this.#oneByOne(list, request, found);
  }

  #oneByOne(list: number, request: RequestView, best: number): number {
    const end = list + List.head + (this.#lists[list + List.count] as number);
    for (let at = list + List.head; at < end; at++) {
      const match = this.#lists[at] as number;
      if (match >= best) return best;
      const conditions = this.#matches[Match.columns * match + Match.conditions] as number;
      if (conditions < 0 || this.#conditions.at(conditions)?.metBy(request) === true) return match;
    }
    return best;
  }

  /** Asks the lists that what the request has leads to. */
  #byRequest(list: number, scope: number, request: RequestView, best: number): number {
    const kinds = this.#lists[list + List.kinds] as number;
    let found = best;
    if (kinds & (1 << Kind.header)) found = this.#byHeader(list, scope, request, found);
    if (kinds & (1 << Kind.parameter)) {
      for (const name of request.parameters.keys()) {
        const values = this.#keys.find(scope + Kind.parameter, name);
        if (values !== NO_KEY) found = this.#byValue(values, request.parameter(name), request, found);
      }
    }
    if (kinds & (1 << Kind.method)) found = this.#byValue(scope + Kind.method, request.method, request, found);
    return found;
  }

  #byHeader(list: number, scope: number, request: RequestView, best: number): number {
    const names = this.#lists[list + List.names] as number;
    let found = best;
    for (const [index, { lowerName }] of request.fields.entries()) {
      if ((names & nameBit(lowerName)) === 0) continue;
      const values = this.#keys.find(scope + Kind.header, lowerName);
      if (values === NO_KEY || !request.isFirst(index)) continue;
      found = this.#byValue(values, request.header(lowerName), request, found);
    }
    return found;
  }

  /** `values`: scope of the values of a name, or NO_KEY. */
  #byValue(values: number, value: string | undefined, request: RequestView, best: number): number {
    if (values === NO_KEY || value === undefined) return best;
    const list = this.#keys.find(values, value);
    return list === NO_KEY ? best : this.earliest(list, request, best);
  }
}
