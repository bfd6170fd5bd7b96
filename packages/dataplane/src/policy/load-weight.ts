/**
 * What a load report makes of an endpoint's weight, and when that weight may be used (gRPC proposal A58).
 *
 * weight = rps / (utilization + eps / rps * penalty). It is used when reports have come for `blackoutPeriod`, and until
 * none has come for `metricExpirationPeriod`; after that the blackout begins anew. Weights are kept on the status board,
 * so every worker goes by the reports that any of them saw. Worker thread.
 */
import type { StatusBoard } from '@sluice/shared/health/board';
import { TICK_MS } from '@sluice/shared/health/clock';
import type { BalancingSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { LoadReport } from './load-report.js';

export type LoadAwareSnapshot = Extract<BalancingSnapshot, { strategy: 'load-aware' }>;

const NAMED_PREFIX = 'named_metrics.';

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** The weight that a report gives, or 0 when it is not valid: it needs requests and a utilization, both above 0. */
export function reportedWeight(report: LoadReport, balancing: LoadAwareSnapshot): number {
  const { rps, eps } = report;
  const utilization = utilizationOf(report, balancing.namedMetrics);
  if (rps <= 0 || utilization <= 0) return 0;
  const weight = Math.fround(rps / (utilization + (eps / rps) * balancing.errorUtilizationPenalty));
  return Number.isFinite(weight) ? weight : 0;
}

/** The named metrics when they are asked for and there, else the application's own, else the machine's. */
function utilizationOf(report: LoadReport, namedMetrics: readonly string[]): number {
  let most = 0;
  for (const name of namedMetrics) {
    const bare = name.startsWith(NAMED_PREFIX) ? name.slice(NAMED_PREFIX.length) : name;
    most = Math.max(most, report.named.get(bare) ?? 0);
  }
  if (most > 0) return most;
  if (report.application > 0) return report.application;
  return report.cpu > 0 ? report.cpu : report.memory;
}

/** Puts a reported weight, above 0, on the board. Workers that report at once leave one of their weights there. */
export function recordWeight(
  board: StatusBoard,
  slot: number,
  weight: number,
  balancing: LoadAwareSnapshot,
  nowTick: number,
): void {
  const { load, loadSince, loadAt } = board.planes;
  const last = Atomics.load(loadAt, slot);
  if (last === 0 || isExpired(last, balancing, nowTick)) Atomics.store(loadSince, slot, nowTick);
  float[0] = weight;
  Atomics.store(load, slot, bits[0] as number);
  Atomics.store(loadAt, slot, nowTick);
}

/** The weight to balance by; 0 when there is none that may be used now. */
export function loadWeight(board: StatusBoard, slot: number, balancing: LoadAwareSnapshot, nowTick: number): number {
  const { load, loadSince, loadAt } = board.planes;
  const last = Atomics.load(loadAt, slot);
  if (last === 0 || isExpired(last, balancing, nowTick)) return 0;
  if ((nowTick - Atomics.load(loadSince, slot)) * TICK_MS < balancing.blackoutPeriodMs) return 0;
  bits[0] = Atomics.load(load, slot);
  return float[0] as number;
}

function isExpired(lastTick: number, balancing: LoadAwareSnapshot, nowTick: number): boolean {
  return (nowTick - lastTick) * TICK_MS >= balancing.metricExpirationPeriodMs;
}
