/** Routing: signatures first. */
import type { Snapshot } from '@sluice/shared/snapshot/snapshot';
import type { Refusal } from './refusal.js';

export interface RouteMatch {
  /** Index into `Snapshot.listeners`. */
  readonly listener: number;
  /** Index into `Snapshot.rules`. */
  readonly rule: number;
}
export interface Router {
  /** `listeners`: the listeners of the bound port, always the same array for one port (its index is cached by it). */
  route(listeners: readonly number[], host: string, path: string): RouteMatch | Refusal;
}
export function createRouter(_snapshot: Snapshot): Router {
  throw new Error('not written yet');
}
