/**
 * Where texts lead: an open-addressing hash table from (scope, text) to a number, over integers and UTF-16 units.
 *
 * A scope is a number that its owner reserved: the hostnames of a port, the prefixes of a host. The hash grows unit by
 * unit, so that every prefix of a path costs one probe and no string.
 *
 * Invariant: a look-up probes at most `probesMax` slots whatever text it is given: the keys are the operator's, clients
 * only look up, so the longest probe is known when the table is made. Texts are compared unit by unit, as they are.
 * Written in the compiler's thread, read in any.
 */
import type { Sections } from './sections.js';

type KeySections = Pick<Sections, 'keySlots' | 'keyRows' | 'keyText'>;

interface Key {
  readonly scope: number;
  readonly text: string;
  readonly value: number;
}

/** What the slots begin with: seed, longest probe. */
const SLOTS_HEAD = 2;
/** Of a row: scope, where its text starts, length of it, value. */
const ROW = 4;
/** A table with longer probes is made again with another seed. */
const PROBES_WANTED = 24;
const SEEDS = 8;

const PRIME = 0x0100_0193;
const GOLDEN = 0x9e37_79b1;

/** The last step, which every bit of the state takes part in (MurmurHash3's). */
function mixed(state: number): number {
  let hash = state ^ (state >>> 16);
  hash = Math.imul(hash, 0x85eb_ca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}

function startState(seed: number, scope: number): number {
  return Math.imul(scope + seed, GOLDEN) ^ seed;
}

function hashOf(seed: number, { scope, text }: Key): number {
  let state = startState(seed, scope);
  for (let at = 0; at < text.length; at++) state = KeyTable.step(state, text.charCodeAt(at));
  return mixed(state);
}

export class KeyWriter {
  #scopes = 0;
  readonly #keys: Key[] = [];

  /** The first of `count` scopes that nobody else has. Never 0. */
  reserve(count = 1): number {
    this.#scopes += count;
    return this.#scopes - count + 1;
  }

  /** `value`: not negative. No text twice in a scope: the owner sees to it. */
  add(scope: number, text: string, value: number): void {
    this.#keys.push({ scope, text, value });
  }

  finish(): KeySections {
    return { keySlots: this.#slots(), ...this.#rows() };
  }

  /** At most half full. The seed is the first that has short probes, so that equal keys make equal tables. */
  #slots(): Int32Array {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(8, 2 * this.#keys.length)));
    let best: Int32Array | undefined;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const slots = slotsOf(this.#keys, capacity, seed);
      if (best === undefined || (slots[1] as number) < (best[1] as number)) best = slots;
      if ((best[1] as number) <= PROBES_WANTED) break;
    }
    return best as Int32Array;
  }

  /** Equal texts lie there once. */
  #rows(): Pick<KeySections, 'keyRows' | 'keyText'> {
    const starts = new Map<string, number>();
    let units = 0;
    const keyRows = new Int32Array(ROW * this.#keys.length);
    for (const [index, { scope, text, value }] of this.#keys.entries()) {
      let start = starts.get(text);
      if (start === undefined) {
        start = units;
        starts.set(text, start);
        units += text.length;
      }
      keyRows.set([scope, start, text.length, value], ROW * index);
    }
    const keyText = new Uint16Array(units);
    for (const [text, start] of starts) {
      for (let at = 0; at < text.length; at++) keyText[start + at] = text.charCodeAt(at);
    }
    return { keyRows, keyText };
  }
}

function slotsOf(keys: readonly Key[], capacity: number, seed: number): Int32Array {
  const slots = new Int32Array(SLOTS_HEAD + 2 * capacity);
  let longest = 0;
  for (const [index, key] of keys.entries()) {
    const hash = hashOf(seed, key);
    let slot = hash & (capacity - 1);
    let probes = 1;
    while (slots[SLOTS_HEAD + 2 * slot + 1] !== 0) {
      slot = (slot + 1) & (capacity - 1);
      probes++;
    }
    slots[SLOTS_HEAD + 2 * slot] = hash;
    slots[SLOTS_HEAD + 2 * slot + 1] = index + 1;
    longest = Math.max(longest, probes);
  }
  slots[0] = seed;
  slots[1] = longest;
  return slots;
}

/** What a key leads to when there is no such key. */
export const NO_KEY = -1;

export class KeyTable {
  readonly #slots: Int32Array;
  readonly #rows: Int32Array;
  readonly #text: Uint16Array;
  readonly #mask: number;
  readonly #seed: number;
  readonly probesMax: number;

  constructor({ keySlots, keyRows, keyText }: KeySections) {
    this.#slots = keySlots;
    this.#rows = keyRows;
    this.#text = keyText;
    this.#mask = (keySlots.length - SLOTS_HEAD) / 2 - 1;
    this.#seed = keySlots[0] as number;
    this.probesMax = keySlots[1] as number;
  }

  /** State of the hash of no text yet. */
  start(scope: number): number {
    return startState(this.#seed, scope);
  }

  /** State after one more UTF-16 unit. */
  static step(state: number, unit: number): number {
    return Math.imul(state ^ unit, PRIME);
  }

  /** Value of the key that is `text` from `from` to `to`, or NO_KEY. */
  find(scope: number, text: string, from = 0, to = text.length): number {
    let state = this.start(scope);
    for (let at = from; at < to; at++) state = KeyTable.step(state, text.charCodeAt(at));
    return this.findHashed(scope, text, from, to, state);
  }

  /** The same when the state of the hash after the text is known. */
  findHashed(scope: number, text: string, from: number, to: number, state: number): number {
    const slots = this.#slots;
    const hash = mixed(state);
    let slot = hash & this.#mask;
    for (let probes = this.probesMax; probes > 0; probes--) {
      const row = slots[SLOTS_HEAD + 2 * slot + 1] as number;
      if (row === 0) return NO_KEY;
      if (slots[SLOTS_HEAD + 2 * slot] === hash) {
        const at = ROW * (row - 1);
        if (this.#rows[at] === scope && this.#has(at, text, from, to)) return this.#rows[at + 3] as number;
      }
      slot = (slot + 1) & this.#mask;
    }
    return NO_KEY;
  }

  #has(row: number, text: string, from: number, to: number): boolean {
    const length = this.#rows[row + 2] as number;
    if (length !== to - from) return false;
    const start = this.#rows[row + 1] as number;
    for (let at = 0; at < length; at++) {
      if (this.#text[start + at] !== text.charCodeAt(from + at)) return false;
    }
    return true;
  }
}
