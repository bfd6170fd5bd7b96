/**
 * The endpoint of a connection: a backendRef of the rule by weight, then an endpoint of its service in turn.
 *
 * Invariant: over each period of its weights a rule's backends get exactly their shares, and usable endpoints of a
 * service get turns that differ by at most one; an unhealthy endpoint passes its turn on to the next. Each worker has
 * its own balancer and starts elsewhere (`seed`), so that workers do not begin at the same endpoint together.
 * Reads the status board, writes nothing; runs in the workers.
 */
import { isUsable, type StatusBoard } from '@sluice/shared/health/board';
import type { BackendSnapshot, Snapshot } from '@sluice/shared/snapshot/snapshot';
import type { EndpointSnapshot } from '../worker/messages.js';
import type { EndpointSets } from './endpoints.js';
import { type Refusal, refuse } from './refusal.js';

export interface EndpointChoice {
  /** Index into `Snapshot.services`. */
  readonly service: number;
  readonly endpoint: EndpointSnapshot;
}

export interface Balancer {
  /** The endpoint of a new connection. */
  pick(rule: number): EndpointChoice | Refusal;
  /**
   * Another endpoint of the same service after a failed attempt, which does not draw a backendRef again; `tried`:
   * status-board slots that must not be chosen.
   */
  pickAgain(service: number, tried: readonly number[]): EndpointChoice | Refusal;
}

/** Smooth weighted round robin over the backendRefs that have a weight. */
interface WeightedTurn {
  readonly services: readonly number[];
  readonly weights: readonly number[];
  readonly credits: number[];
  readonly total: number;
}

const UNRESOLVED = refuse('backend-unresolved');
const NO_ENDPOINT = refuse('no-endpoint');

/** `seed`: the worker's index, or any other whole number that differs between workers. */
export function createBalancer(snapshot: Snapshot, sets: EndpointSets, board: StatusBoard, seed: number): Balancer {
  const phase = Math.abs(Math.trunc(seed));
  const turns = snapshot.rules.map((rule) => weightedTurn(rule.backends, phase));
  const cursors = snapshot.services.map(() => phase);

  function pickAgain(service: number, tried: readonly number[]): EndpointChoice | Refusal {
    const endpoints = sets.of(snapshot.services[service]?.name ?? '');
    let at = endpoints.length === 0 ? 0 : (cursors[service] ?? 0) % endpoints.length;
    for (let left = endpoints.length; left > 0; left--) {
      const endpoint = endpoints[at] as EndpointSnapshot;
      at = at + 1 === endpoints.length ? 0 : at + 1;
      if (!isUsable(board.status(endpoint.slot)) || tried.includes(endpoint.slot)) continue;
      cursors[service] = at;
      return { service, endpoint };
    }
    return NO_ENDPOINT;
  }

  return {
    pick(rule) {
      const turn = turns[rule];
      const service = turn === undefined ? -1 : nextService(turn);
      return service < 0 ? UNRESOLVED : pickAgain(service, []);
    },
    pickAgain,
  };
}

function weightedTurn(backends: readonly BackendSnapshot[], phase: number): WeightedTurn {
  const weighted = backends.filter(({ weight }) => weight > 0);
  const turn: WeightedTurn = {
    services: weighted.map(({ service }) => service),
    weights: weighted.map(({ weight }) => weight),
    credits: weighted.map(() => 0),
    total: weighted.reduce((sum, { weight }) => sum + weight, 0),
  };
  // Any window of one period holds the exact shares, so a start inside it costs no exactness.
  for (let skipped = weighted.length === 0 ? 0 : phase % weighted.length; skipped > 0; skipped--) nextService(turn);
  return turn;
}

/** The service whose turn it is; -1 when nothing has a weight, or when the share is that of an unresolved reference. */
function nextService(turn: WeightedTurn): number {
  const { services, weights, credits, total } = turn;
  if (services.length <= 1) return services[0] ?? -1;
  let best = 0;
  for (let at = 0; at < credits.length; at++) {
    credits[at] = (credits[at] as number) + (weights[at] as number);
    if ((credits[at] as number) > (credits[best] as number)) best = at;
  }
  credits[best] = (credits[best] as number) - total;
  return services[best] as number;
}
