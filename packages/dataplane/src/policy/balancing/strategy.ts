/**
 * A balancing strategy: which of a service's endpoints takes a connection. One object a service and worker.
 *
 * A strategy sees the board through `Candidates` and keeps what it prepared from a list of endpoints only as long as that
 * list is the same object. Worker thread.
 */
import type { BalancingSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { Candidates } from './candidates.js';
import { LeastRequest } from './least-request.js';
import { LoadAware } from './load-aware.js';
import { RingHash } from './ring-hash.js';
import { RoundRobin } from './round-robin.js';

export interface Strategy {
  /** Position in `candidates.endpoints` of an eligible one, -1 when there is none. `key`: a hash; 0 where none is used. */
  pick(candidates: Candidates, key: number): number;
}

/** From 0 up to, not including, 1. */
export type Random = () => number;

/**
 * `service`: its name, part of an endpoint's identity. `phase`: where turns begin, a whole number that differs between
 * workers, so that they do not begin at the same endpoint together.
 */
export function createStrategy(balancing: BalancingSnapshot, service: string, phase: number, random: Random): Strategy {
  switch (balancing.strategy) {
    case 'round-robin':
      return new RoundRobin(balancing.slowStart, phase, random);
    case 'least-request':
      return new LeastRequest(balancing.slowStart, random);
    case 'ring-hash':
      return new RingHash(service);
    case 'load-aware':
      return new LoadAware(balancing, random);
  }
}
