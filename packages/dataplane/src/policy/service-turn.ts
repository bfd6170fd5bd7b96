/**
 * Which backendRef of a rule is next: smooth weighted round robin over those that have a weight.
 *
 * Invariant: any window of one period (the sum of the weights) holds the exact shares, an unresolved reference's included.
 * Pure but for the turn's own state; runs in the workers.
 */
import type { BackendSnapshot } from '@sluice/shared/snapshot/snapshot';

export interface ServiceTurn {
  /** Positions in the rule's list. */
  readonly backends: readonly number[];
  readonly weights: readonly number[];
  readonly credits: number[];
  readonly total: number;
}

/** `phase`: a whole number, where in its period the turn begins. */
export function createServiceTurn(backends: readonly BackendSnapshot[], phase: number): ServiceTurn {
  const weighted = backends.map(({ weight }, backend) => ({ weight, backend })).filter(({ weight }) => weight > 0);
  const turn: ServiceTurn = {
    backends: weighted.map(({ backend }) => backend),
    weights: weighted.map(({ weight }) => weight),
    credits: weighted.map(() => 0),
    total: weighted.reduce((sum, { weight }) => sum + weight, 0),
  };
  // Any window of one period holds the exact shares, so a start inside it costs no exactness.
  for (let skipped = weighted.length === 0 ? 0 : phase % weighted.length; skipped > 0; skipped--) nextBackend(turn);
  return turn;
}

/** Position of the backendRef whose turn it is; -1 when nothing has a weight. */
export function nextBackend(turn: ServiceTurn): number {
  const { backends, weights, credits, total } = turn;
  if (backends.length <= 1) return backends[0] ?? -1;
  let best = 0;
  for (let at = 0; at < credits.length; at++) {
    credits[at] = (credits[at] as number) + (weights[at] as number);
    if ((credits[at] as number) > (credits[best] as number)) best = at;
  }
  credits[best] = (credits[best] as number) - total;
  return backends[best] as number;
}
