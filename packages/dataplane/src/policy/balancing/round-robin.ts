/**
 * Round robin: usable endpoints in turn; while one of them is in slow start, turns by weight.
 *
 * Invariant: without slow start, turns of usable endpoints differ by at most one, and an unusable endpoint passes its
 * turn on to the next. Whether one is in slow start is looked up once a tick, for that is how often it can change.
 * Worker thread.
 */
import type { SlowStartSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { EndpointSnapshot } from '../../worker/messages.js';
import type { Candidates } from './candidates.js';
import { slowStartWeight } from './slow-start.js';
import { SmoothTurn } from './smooth-turn.js';
import type { Random, Strategy } from './strategy.js';

export class RoundRobin implements Strategy {
  readonly #slowStart: SlowStartSnapshot | null;
  readonly #turn: SmoothTurn;
  #cursor: number;
  #endpoints: readonly EndpointSnapshot[] | undefined;
  #weights = new Float64Array(0);
  #tick = -1;
  #anySlow = false;

  constructor(slowStart: SlowStartSnapshot | null, phase: number, random: Random) {
    this.#slowStart = slowStart;
    this.#turn = new SmoothTurn(random);
    this.#cursor = phase;
  }

  pick(candidates: Candidates): number {
    if (this.#slowStart !== null && this.#isSlow(candidates, this.#slowStart)) {
      return this.#turn.pick(candidates, this.#weights, 1);
    }
    const { length } = candidates.endpoints;
    let at = length === 0 ? 0 : this.#cursor % length;
    for (let left = length; left > 0; left--) {
      const here = at;
      at = at + 1 === length ? 0 : at + 1;
      if (!candidates.eligible(here)) continue;
      this.#cursor = at;
      return here;
    }
    return -1;
  }

  #isSlow(candidates: Candidates, slowStart: SlowStartSnapshot): boolean {
    const { endpoints, nowTick, board } = candidates;
    if (nowTick === this.#tick && endpoints === this.#endpoints) return this.#anySlow;
    this.#tick = nowTick;
    if (endpoints !== this.#endpoints) this.#weights = new Float64Array(endpoints.length);
    this.#endpoints = endpoints;
    this.#anySlow = false;
    for (let at = 0; at < endpoints.length; at++) {
      const weight = slowStartWeight(slowStart, Atomics.load(board.planes.since, candidates.slot(at)), nowTick);
      this.#weights[at] = weight;
      if (weight < 1) this.#anySlow = true;
    }
    return this.#anySlow;
  }
}
