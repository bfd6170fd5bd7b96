/**
 * Least request: of two endpoints chosen at random the one with fewer open connections, over all workers; with up to
 * `COMPARE_ALL_MAX` endpoints the one with the fewest of all, which costs no more there and never errs.
 *
 * Of a few long-lived connections two random choices would leave visible differences. Equals are drawn by lot: several
 * workers that see the same counts must not all take the same endpoint. A slow-start weight divides. Worker thread.
 */
import type { SlowStartSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { Candidates } from './candidates.js';
import { slowStartWeight } from './slow-start.js';
import type { Random, Strategy } from './strategy.js';

export const COMPARE_ALL_MAX = 16;
/** Blind draws before the list is gone through instead: nearly always one is enough. */
const DRAWS_MAX = 4;

export class LeastRequest implements Strategy {
  readonly #slowStart: SlowStartSnapshot | null;
  readonly #random: Random;

  constructor(slowStart: SlowStartSnapshot | null, random: Random) {
    this.#slowStart = slowStart;
    this.#random = random;
  }

  pick(candidates: Candidates): number {
    if (candidates.endpoints.length <= COMPARE_ALL_MAX) return this.#leastOfAll(candidates);
    const first = this.#draw(candidates, -1);
    if (first < 0) return -1;
    const second = this.#draw(candidates, first);
    return second >= 0 && this.#cost(candidates, second) < this.#cost(candidates, first) ? second : first;
  }

  #leastOfAll(candidates: Candidates): number {
    let best = -1;
    let least = 0;
    let equals = 0;
    for (let at = 0; at < candidates.endpoints.length; at++) {
      if (!candidates.eligible(at)) continue;
      const cost = this.#cost(candidates, at);
      if (best >= 0 && cost > least) continue;
      equals = best >= 0 && cost === least ? equals + 1 : 1;
      if (equals > 1 && this.#random() * equals >= 1) continue;
      best = at;
      least = cost;
    }
    return best;
  }

  /** What one more connection would weigh there: so an idle endpoint in slow start does not count as free. */
  #cost(candidates: Candidates, at: number): number {
    const { board, nowTick } = candidates;
    const slot = candidates.slot(at);
    const connections = board.active(slot) + 1;
    if (this.#slowStart === null) return connections;
    return connections / slowStartWeight(this.#slowStart, Atomics.load(board.planes.since, slot), nowTick);
  }

  /** An eligible endpoint other than `but`, each as likely; -1 when there is none. */
  #draw(candidates: Candidates, but: number): number {
    const { length } = candidates.endpoints;
    for (let left = DRAWS_MAX; left > 0; left--) {
      const at = Math.floor(this.#random() * length);
      if (at !== but && candidates.eligible(at)) return at;
    }
    let drawn = -1;
    let seen = 0;
    for (let at = 0; at < length; at++) {
      if (at === but || !candidates.eligible(at)) continue;
      seen++;
      if (this.#random() * seen < 1) drawn = at;
    }
    return drawn;
  }
}
