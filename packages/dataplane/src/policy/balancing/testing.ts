/** What the tests of the strategies share: a seeded generator, a list of endpoints, and choices counted. */
import { createBoard, type StatusBoard } from '@sluice/shared/health/board';
import type { EndpointSnapshot } from '../../worker/messages.js';
import { Candidates } from './candidates.js';
import type { Random, Strategy } from './strategy.js';

/** A generator (mulberry32): the same seed gives the same run. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** So many endpoints, the first in slot `first`; address and slot say the same. */
export function endpointList(count: number, first = 0): EndpointSnapshot[] {
  return Array.from({ length: count }, (_, index) => {
    const slot = first + index;
    return { address: `10.0.${slot >> 8}.${slot & 255}`, port: 80, slot };
  });
}

export interface Scene {
  readonly board: StatusBoard;
  readonly candidates: Candidates;
  endpoints: EndpointSnapshot[];
  nowTick: number;
  /** Slot of the endpoint that is chosen, -1 for none. */
  pick(strategy: Strategy, key?: number, tried?: readonly number[]): number;
  /** How often each slot is chosen in so many choices. */
  counts(strategy: Strategy, picks: number): number[];
}

export function createScene(count: number, columns = 2): Scene {
  const board = createBoard(4096, columns);
  const candidates = new Candidates(board);
  const scene: Scene = {
    board,
    candidates,
    endpoints: endpointList(count),
    nowTick: 1000,
    pick: (strategy, key = 0, tried = []) => {
      candidates.begin(scene.endpoints, tried, scene.nowTick);
      const at = strategy.pick(candidates, key);
      return at < 0 ? -1 : candidates.slot(at);
    },
    counts: (strategy, picks) => {
      const counts = scene.endpoints.map(() => 0);
      for (let left = picks; left > 0; left--) {
        const slot = scene.pick(strategy);
        counts[slot] = (counts[slot] ?? 0) + 1;
      }
      return counts;
    },
  };
  return scene;
}
