/**
 * Lists of the matches that one path leads to, as the workers try them: short ones one by one, long ones by what most of
 * them want, so that hundreds of conditional matches of a path cost no more than a few.
 *
 * Invariant: every list is in order of precedence, and of what a request finds in it the first is what trying them all
 * would find: each match is in exactly one list, and the lists of all that the request has are asked. Compiler's thread.
 */
import type { MatchSnapshot } from '../snapshot.js';
import type { KeyWriter } from './key-table.js';
import { Kind, nameBit } from './routing.js';

/** A match and its number. */
export interface NumberedMatch {
  readonly number: number;
  readonly match: MatchSnapshot;
}

/** Conditional matches that are tried one by one. */
const LINEAR_MAX = 8;

type KindName = keyof typeof Kind;

/** Something that a match wants, by which it can be found: a request has at most one value for a kind and name. */
interface Wanted {
  readonly kind: KindName;
  /** '' for the method. */
  readonly name: string;
  readonly value: string;
  /** Kind and name, and these with the value, as one text. */
  readonly nameKey: string;
  readonly valueKey: string;
}

export function hasConditions({ method, headers, queryParams }: MatchSnapshot): boolean {
  return method !== '' || headers.length > 0 || queryParams.length > 0;
}

function wantedOf({ method, headers, queryParams }: MatchSnapshot): Wanted[] {
  const wanted: Wanted[] = [];
  const add = (kind: KindName, name: string, value: string): void => {
    const nameKey = `${kind} ${name.length} ${name}`;
    wanted.push({ kind, name, value, nameKey, valueKey: `${nameKey} ${value}` });
  };
  for (const { name, value, regex } of headers) if (!regex) add('header', name, value);
  for (const { name, value, regex } of queryParams) if (!regex) add('parameter', name, value);
  if (method !== '') add('method', '', method);
  return wanted;
}

/** Up to the first that wants nothing: what stands behind it is never reached. */
function reachable(matches: readonly NumberedMatch[]): readonly NumberedMatch[] {
  const last = matches.findIndex(({ match }) => !hasConditions(match));
  return last < 0 ? matches : matches.slice(0, last + 1);
}

export class MatchLists {
  readonly #words: number[] = [];
  readonly #keys: KeyWriter;

  constructor(keys: KeyWriter) {
    this.#keys = keys;
  }

  /** Where the next words will be. */
  get end(): number {
    return this.#words.length;
  }

  append(...words: readonly number[]): void {
    this.#words.push(...words);
  }

  finish(): Int32Array {
    return Int32Array.from(this.#words);
  }

  /** Writes the list of the matches of one path; where it is. */
  add(matches: readonly NumberedMatch[]): number {
    return this.#add(reachable(matches), new Set());
  }

  /** `above`: names that led here, which all of the matches want alike. */
  #add(matches: readonly NumberedMatch[], above: ReadonlySet<string>): number {
    if (matches.length <= LINEAR_MAX) return this.#write([0, 0, 0], matches);
    const { found, rest } = divide(matches, above);
    if (found.size === 0) return this.#write([0, 0, 0], matches);
    const scope = this.#keys.reserve(Object.keys(Kind).length);
    const values = new Map<string, number>();
    let kinds = 0;
    let names = 0;
    for (const [wanted, led] of found.values()) {
      const list = this.#add(led, new Set([...above, wanted.nameKey]));
      this.#keys.add(this.#valueScope(scope, wanted, values), wanted.value, list);
      kinds |= 1 << Kind[wanted.kind];
      if (wanted.kind === 'header') names |= nameBit(wanted.name);
    }
    return this.#write([scope, kinds, names], rest);
  }

  /** The scope of the values of a name; methods have no names. */
  #valueScope(scope: number, wanted: Wanted, known: Map<string, number>): number {
    const own = scope + Kind[wanted.kind];
    if (wanted.kind === 'method') return own;
    let values = known.get(wanted.nameKey);
    if (values === undefined) {
      values = this.#keys.reserve();
      known.set(wanted.nameKey, values);
      this.#keys.add(own, wanted.name, values);
    }
    return values;
  }

  /** `index`: the columns of `List` before the count. */
  #write(index: readonly [scope: number, kinds: number, names: number], matches: readonly NumberedMatch[]): number {
    const at = this.end;
    this.#words.push(...index, matches.length);
    for (const { number } of matches) this.#words.push(number);
    return at;
  }
}

interface Divided {
  readonly found: ReadonlyMap<string, readonly [wanted: Wanted, matches: NumberedMatch[]]>;
  readonly rest: readonly NumberedMatch[];
}

/** Each match by that of what it wants which the fewest others want; those that want nothing exactly are the rest. */
function divide(matches: readonly NumberedMatch[], above: ReadonlySet<string>): Divided {
  const wanted = matches.map(({ match }) => wantedOf(match).filter(({ nameKey }) => !above.has(nameKey)));
  const counts = new Map<string, number>();
  for (const { valueKey } of wanted.flat()) counts.set(valueKey, (counts.get(valueKey) ?? 0) + 1);
  const rarer = (best: Wanted | undefined, each: Wanted): Wanted =>
    best === undefined || (counts.get(each.valueKey) as number) < (counts.get(best.valueKey) as number) ? each : best;
  const found = new Map<string, [Wanted, NumberedMatch[]]>();
  const rest: NumberedMatch[] = [];
  for (const [index, match] of matches.entries()) {
    const rarest = wanted[index]?.reduce<Wanted | undefined>(rarer, undefined);
    if (rarest === undefined) {
      rest.push(match);
      continue;
    }
    const same = found.get(rarest.valueKey);
    if (same === undefined) found.set(rarest.valueKey, [rarest, [match]]);
    else same[1].push(match);
  }
  return { found, rest };
}
