/**
 * Slow start: an endpoint that has just become usable gets a part of its share that grows over a window.
 *
 * weight = max(startWeightPercent / 100, (elapsed / window) ^ (1 / aggression)), and 1 when the window is over; so an
 * aggression of 1 grows evenly, above 1 faster at first, below 1 slower. The board's `since` says from when; 0 for never.
 * Pure.
 */
import { TICK_MS } from '@sluice/shared/health/clock';
import type { SlowStartSnapshot } from '@sluice/shared/snapshot/service-policy';

/** Smallest weight: a start of 0 % must not make a weight by which nothing can be divided. */
const WEIGHT_MIN = 0.001;

/** From `WEIGHT_MIN` to 1. */
export function slowStartWeight(slowStart: SlowStartSnapshot, sinceTick: number, nowTick: number): number {
  if (sinceTick === 0) return 1;
  const elapsedMs = Math.max(0, nowTick - sinceTick) * TICK_MS;
  const { windowMs, aggression, startWeightPercent } = slowStart;
  if (elapsedMs >= windowMs) return 1;
  const grown = (elapsedMs / windowMs) ** (1 / aggression);
  return Math.min(1, Math.max(WEIGHT_MIN, startWeightPercent / 100, grown));
}
