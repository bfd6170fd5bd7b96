/**
 * Metrics of handshakes, read from the meters of the workers: answers by status, and how long things took.
 *
 * Groups that never had one are left out. Primary thread.
 */
import type { Families, HistogramSample, Labels, Sample } from '@sluice/shared/admin/families';
import {
  BUCKETS_S,
  CONNECT_AT,
  type MeterCells,
  ROW_CELLS,
  STATUSES,
  SUM_CELL,
  UPGRADE_AT,
} from '../../worker/meter-cells.js';
import { GROUP_LABELS, type SharedLabels } from './connection-metrics.js';
import type { MeterMemory } from './memory.js';
import type { MetricsSources } from './sources.js';

const STATUS_LABELS: readonly Labels[] = [...STATUSES.map(String), 'other'].map((status) => ({ status }));
const COUNT_CELLS = BUCKETS_S.length + 1;

function sumOf(workers: readonly MeterCells[], cell: number): number {
  let sum = 0;
  for (const { rows } of workers) sum += rows[cell] as number;
  return sum;
}

function* answers({ groups, workers }: MeterMemory): Generator<Sample> {
  for (let group = 0; group < groups.length; group++) {
    const sharedLabels = groups[group] as SharedLabels;
    for (let place = 0; place < STATUS_LABELS.length; place++) {
      const value = sumOf(workers, group * ROW_CELLS + place);
      if (value > 0) yield { labels: STATUS_LABELS[place] as Labels, sharedLabels, value };
    }
  }
}

/** Adds a group's histogram to `into`; false when it is empty. The last cell of `into` is the sum, ms. */
function addHistogram(workers: readonly MeterCells[], group: number, at: number, into: Float64Array): boolean {
  let count = 0;
  const from = group * ROW_CELLS + at;
  for (let cell = 0; cell <= SUM_CELL; cell++) {
    const value = sumOf(workers, from + cell);
    into[cell] = (into[cell] as number) + value;
    if (cell < COUNT_CELLS) count += value;
  }
  return count > 0;
}

function sample(labels: Labels, cells: Float64Array): HistogramSample {
  return { labels, counts: cells.subarray(0, COUNT_CELLS), sum: (cells[SUM_CELL] as number) / 1000 };
}

function* upgrades({ groups, workers }: MeterMemory): Generator<HistogramSample> {
  for (let group = 0; group < groups.length; group++) {
    const cells = new Float64Array(SUM_CELL + 1);
    if (addHistogram(workers, group, UPGRADE_AT, cells)) yield sample(groups[group] as SharedLabels, cells);
  }
}

/** By service alone: over which route a backend is reached does not matter to connecting. */
function connects({ groups, workers }: MeterMemory): Iterable<HistogramSample> {
  const services = new Map<string, Float64Array>();
  for (let group = 0; group < groups.length; group++) {
    const { service } = groups[group] as SharedLabels;
    const cells = services.get(service) ?? new Float64Array(SUM_CELL + 1);
    if (addHistogram(workers, group, CONNECT_AT, cells)) services.set(service, cells);
  }
  return [...services].map(([service, cells]) => sample({ service }, cells));
}

export function addHandshakeMetrics(families: Families, { memory }: MetricsSources): void {
  families.counter(
    'sluice_handshakes_total',
    'Handshakes answered, by the status that the client got',
    [...GROUP_LABELS, 'status'],
    () => answers(memory),
  );
  families.histogram(
    'sluice_time_to_upgrade_seconds',
    'From the complete request to its 101',
    GROUP_LABELS,
    BUCKETS_S,
    () => upgrades(memory),
  );
  families.histogram(
    'sluice_backend_connect_seconds',
    'TCP connect to a backend that took the connection',
    ['service'],
    BUCKETS_S,
    () => connects(memory),
  );
}
