/**
 * Load aware: turns by the weights that the endpoints' load reports come to (load-weight.ts).
 *
 * An endpoint without a weight that may be used gets the mean of the others; without any, all are equal: round robin.
 * Weights are looked up once a tick. Worker thread.
 */
import type { EndpointSnapshot } from '../../worker/messages.js';
import { type LoadAwareSnapshot, loadWeight } from '../load-weight.js';
import type { Candidates } from './candidates.js';
import { SmoothTurn } from './smooth-turn.js';
import type { Random, Strategy } from './strategy.js';

export class LoadAware implements Strategy {
  readonly #balancing: LoadAwareSnapshot;
  readonly #turn: SmoothTurn;
  #endpoints: readonly EndpointSnapshot[] | undefined;
  #weights = new Float64Array(0);
  #heaviest = 1;
  #tick = -1;

  constructor(balancing: LoadAwareSnapshot, random: Random) {
    this.#balancing = balancing;
    this.#turn = new SmoothTurn(random);
  }

  pick(candidates: Candidates): number {
    if (candidates.nowTick !== this.#tick || candidates.endpoints !== this.#endpoints) this.#refresh(candidates);
    return this.#turn.pick(candidates, this.#weights, this.#heaviest);
  }

  #refresh(candidates: Candidates): void {
    const { endpoints, nowTick, board } = candidates;
    if (endpoints !== this.#endpoints) this.#weights = new Float64Array(endpoints.length);
    this.#endpoints = endpoints;
    this.#tick = nowTick;
    const weights = this.#weights;
    let sum = 0;
    let known = 0;
    let heaviest = 0;
    for (let at = 0; at < endpoints.length; at++) {
      const weight = loadWeight(board, candidates.slot(at), this.#balancing, nowTick);
      weights[at] = weight;
      sum += weight;
      if (weight > 0) known++;
      if (weight > heaviest) heaviest = weight;
    }
    const mean = known === 0 ? 1 : sum / known;
    this.#heaviest = known === 0 ? 1 : heaviest;
    for (let at = 0; at < endpoints.length; at++) if (weights[at] === 0) weights[at] = mean;
  }
}
