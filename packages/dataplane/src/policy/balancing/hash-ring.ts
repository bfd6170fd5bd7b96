/**
 * A ring of hashes: every endpoint owns `POINTS_EACH` points, and a key belongs to the first point at or behind it.
 *
 * Invariant: points depend on the endpoint's id alone, so taking an endpoint away moves only the keys that were its own,
 * and a ring is the same for any order of the ids. 160 points make shares that differ by some 8 % (one in sqrt 160).
 * Immutable, pure.
 */
import { mix } from './hash.js';

const POINTS_EACH = 160;
/** A point is hash * 2^20 + rank of its owner: exact in a double, and sorted by the engine's own numeric sort. */
const RANKS = 2 ** 20;
const GOLDEN = 0x9e3779b9;

export class HashRing {
  readonly #hashes: Uint32Array;
  readonly #owners: Uint32Array;

  /** `ids`: 16 hex digits each (`endpointId`); at most 2^20. */
  constructor(ids: readonly string[]) {
    // By rank of the id, not by position: should two points be equal, their order must not depend on the list's.
    const ranked = ids.map((id, position) => ({ id, position })).sort((a, b) => (a.id < b.id ? -1 : 1));
    const points = new Float64Array(ids.length * POINTS_EACH);
    ranked.forEach(({ id }, rank) => {
      const high = Number.parseInt(id.slice(0, 8), 16);
      const low = Number.parseInt(id.slice(8), 16);
      for (let each = 0; each < POINTS_EACH; each++) {
        const hash = mix(high ^ mix(low + Math.imul(each, GOLDEN)));
        points[rank * POINTS_EACH + each] = hash * RANKS + rank;
      }
    });
    points.sort();
    this.#hashes = new Uint32Array(points.length);
    this.#owners = new Uint32Array(points.length);
    for (let at = 0; at < points.length; at++) {
      const point = points[at] as number;
      this.#hashes[at] = Math.floor(point / RANKS);
      this.#owners[at] = ranked[point % RANKS]?.position ?? 0;
    }
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
