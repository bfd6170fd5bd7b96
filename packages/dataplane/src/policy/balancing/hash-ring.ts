/**
 * A ring of hashes: every endpoint owns `POINTS_EACH` points, and a key belongs to the first point at or behind it.
 *
 * Invariant: points depend on the endpoint's id alone, so taking an endpoint away moves only the keys that were its own,
 * and a ring is the same for any order of the ids. 160 points make shares that differ by some 8 % (one in sqrt 160).
 * Immutable, pure.
 */
import { mix } from './hash.js';

const POINTS_EACH = 160;
const GOLDEN = 0x9e3779b9;
/** Bits that one pass of the sort looks at; three passes see 32. */
const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

export class HashRing {
  readonly #hashes: Uint32Array;
  readonly #owners: Uint32Array;

  /** `ids`: 16 hex digits each (`endpointId`). */
  constructor(ids: readonly string[]) {
    // By id, not by position: should two points be equal, their order must not depend on the list's.
    const ranked = ids.map((id, position) => ({ id, position })).sort((a, b) => (a.id < b.id ? -1 : 1));
    const points: Points = createPoints(ids.length * POINTS_EACH);
    let at = 0;
    for (const { id, position } of ranked) {
      const high = Number.parseInt(id.slice(0, 8), 16);
      const low = Number.parseInt(id.slice(8), 16);
      for (let each = 0; each < POINTS_EACH; each++, at++) {
        points.hashes[at] = mix(high ^ mix(low + Math.imul(each, GOLDEN)));
        points.owners[at] = position;
      }
    }
    const { hashes, owners } = sorted(points);
    this.#hashes = hashes;
    this.#owners = owners;
  }

  /** Points in all. */
  get size(): number {
    return this.#hashes.length;
  }

  /** The point that a key (0 to 2^32 - 1) belongs to. */
  find(key: number): number {
    let low = 0;
    let high = this.#hashes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#hashes[middle] as number) < key) low = middle + 1;
      else high = middle;
    }
    return low === this.#hashes.length ? 0 : low;
  }

  /** Position in `ids` of the owner of a point. */
  owner(point: number): number {
    return this.#owners[point] as number;
  }
}

/** Hashes, and at the same places whose they are. */
interface Points {
  readonly hashes: Uint32Array;
  readonly owners: Uint32Array;
}

function createPoints(length: number): Points {
  return { hashes: new Uint32Array(length), owners: new Uint32Array(length) };
}

/** By hash; equal ones keep their order. A radix sort: about half the time that sorting them as doubles takes. */
function sorted(points: Points): Points {
  let from = points;
  let to = createPoints(points.hashes.length);
  for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
    sortDigit(from, to, shift);
    [from, to] = [to, from];
  }
  return from;
}

function sortDigit(from: Points, to: Points, shift: number): void {
  const places = new Uint32Array(DIGITS + 1);
  for (const hash of from.hashes) {
    const next = ((hash >>> shift) & (DIGITS - 1)) + 1;
    places[next] = (places[next] as number) + 1;
  }
  for (let digit = 1; digit <= DIGITS; digit++) {
    places[digit] = (places[digit] as number) + (places[digit - 1] as number);
  }
  for (let at = 0; at < from.hashes.length; at++) {
    const hash = from.hashes[at] as number;
    const digit = (hash >>> shift) & (DIGITS - 1);
    const place = places[digit] as number;
    places[digit] = place + 1;
    to.hashes[place] = hash;
    to.owners[place] = from.owners[at] as number;
  }
}
