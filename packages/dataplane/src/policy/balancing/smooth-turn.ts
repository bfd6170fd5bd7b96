/**
 * Turns by weight over the endpoints of a service: smooth weighted round robin, so that each gets its share of any run of
 * choices, spread out.
 *
 * Every choice gives each eligible endpoint credit by its weight and takes the sum of the weights from the one with the
 * most. Credits begin at random, so that workers do not all begin with the same endpoint. That goes through the whole
 * list; of more than `SMOOTH_MAX` endpoints one is drawn by weight instead, and shares are right on average. Worker thread.
 */
import type { EndpointSnapshot } from '../../worker/messages.js';
import type { Candidates } from './candidates.js';
import type { Random } from './strategy.js';

export const SMOOTH_MAX = 64;
/** Draws before the list is gone through after all: weights that differ a thousandfold, or few that are usable. */
const DRAWS_MAX = 32;

export class SmoothTurn {
  readonly #random: Random;
  #endpoints: readonly EndpointSnapshot[] | undefined;
  #credits = new Float64Array(0);

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * `weights`: by position, above 0, as long as `candidates.endpoints` at least; `heaviest`: the largest of them. -1 when
   * none is eligible.
   */
  pick(candidates: Candidates, weights: Float64Array, heaviest: number): number {
    if (candidates.endpoints.length > SMOOTH_MAX) {
      const drawn = this.#draw(candidates, weights, heaviest);
      if (drawn >= 0) return drawn;
    }
    if (candidates.endpoints !== this.#endpoints) this.#restart(candidates.endpoints, weights);
    const credits = this.#credits;
    let best = -1;
    let most = 0;
    let total = 0;
    for (let at = 0; at < credits.length; at++) {
      if (!candidates.eligible(at)) continue;
      const weight = weights[at] as number;
      const credit = (credits[at] as number) + weight;
      credits[at] = credit;
      total += weight;
      if (best >= 0 && credit <= most) continue;
      best = at;
      most = credit;
    }
    if (best >= 0) credits[best] = most - total;
    return best;
  }

  /** Draws blindly and keeps what was drawn with a chance of its weight by the heaviest. */
  #draw(candidates: Candidates, weights: Float64Array, heaviest: number): number {
    for (let left = DRAWS_MAX; left > 0; left--) {
      const at = Math.floor(this.#random() * candidates.endpoints.length);
      if (this.#random() * heaviest < (weights[at] as number) && candidates.eligible(at)) return at;
    }
    return -1;
  }

  #restart(endpoints: readonly EndpointSnapshot[], weights: Float64Array): void {
    this.#endpoints = endpoints;
    this.#credits = new Float64Array(endpoints.length);
    for (let at = 0; at < endpoints.length; at++) this.#credits[at] = this.#random() * (weights[at] as number);
  }
}
