/** Balancing: signatures first. */
import type { StatusBoard } from '@sluice/shared/health/board';
import type { EndpointSnapshot, Snapshot } from '@sluice/shared/snapshot/snapshot';
import type { Refusal } from './refusal.js';

export interface EndpointChoice {
  /** Index into `Snapshot.services`. */
  readonly service: number;
  readonly endpoint: EndpointSnapshot;
}
export interface Balancer {
  /** The endpoint of a new connection; `tried` are slots that must not be chosen. */
  pick(rule: number, tried: readonly number[]): EndpointChoice | Refusal;
  /** Another endpoint of the same service, after a failed attempt. */
  pickAgain(service: number, tried: readonly number[]): EndpointChoice | Refusal;
}
/** `seed`: the worker's index: workers start at different endpoints. */
export function createBalancer(_snapshot: Snapshot, _board: StatusBoard, _seed: number): Balancer {
  throw new Error('not written yet');
}
