/**
 * Metrics of connections, read from the cells that the engines count in: opened, closed and why, open now, bytes.
 *
 * Bytes are live while a connection is open. Groups that never had a connection are left out. Primary thread.
 */
import type { Families, Sample } from '@sluice/shared/admin/families';
import type { GroupLabels } from '@sluice/shared/snapshot/groups';
import { METER_FIELDS, type STAT_NAMES } from '../../engine/binding.js';
import { readStats } from '../../engine/stats.js';
import type { MeterMemory } from './memory.js';
import type { MetricsSources } from './sources.js';

export const GROUP_LABELS = ['listener', 'route', 'service'] as const;

const OPENED = METER_FIELDS.indexOf('opened');
const ACTIVE = METER_FIELDS.indexOf('active');
const BYTES_UP = METER_FIELDS.indexOf('bytesUp');
const BYTES_DOWN = METER_FIELDS.indexOf('bytesDown');

/** A label set's text is made once for each object: it is kept by identity. */
export type SharedLabels = GroupLabels & Readonly<Record<string, string>>;

function sumOf(memory: MeterMemory, group: number, field: number): number {
  const at = group * memory.engineRow + field;
  let sum = 0;
  for (const cells of memory.engines) sum += Number(cells[at]);
  return sum;
}

function* usedGroups(memory: MeterMemory): Generator<readonly [group: number, labels: SharedLabels]> {
  for (const [group, labels] of memory.groups.entries()) {
    if (sumOf(memory, group, OPENED) > 0) yield [group, labels as SharedLabels];
  }
}

function* samples(
  memory: MeterMemory,
  fields: readonly { field: number; labels: Record<string, string>; zero: boolean }[],
): Generator<Sample> {
  for (const [group, sharedLabels] of usedGroups(memory)) {
    for (const { field, labels, zero } of fields) {
      const value = sumOf(memory, group, field);
      if (zero || value > 0) yield { labels, sharedLabels, value };
    }
  }
}

function addGroupMetrics(families: Families, memory: MeterMemory): void {
  const one = (field: number) => [{ field, labels: {}, zero: true }];
  families.gauge('sluice_connections_active', 'Client connections that are open', GROUP_LABELS, () =>
    samples(memory, one(ACTIVE)),
  );
  families.counter('sluice_connections_opened_total', 'Client connections opened', GROUP_LABELS, () =>
    samples(memory, one(OPENED)),
  );
  const reasons = memory.closeReasons.map((reason, code) => ({
    field: METER_FIELDS.length + code,
    labels: { reason },
    zero: false,
  }));
  families.counter(
    'sluice_connections_closed_total',
    'Client connections ended, by close reason',
    [...GROUP_LABELS, 'reason'],
    () => samples(memory, reasons),
  );
  const directions = [
    { field: BYTES_UP, labels: { direction: 'to_backend' }, zero: true },
    { field: BYTES_DOWN, labels: { direction: 'to_client' }, zero: true },
  ];
  families.counter(
    'sluice_stream_bytes_total',
    'Bytes spliced, live while a connection is open',
    [...GROUP_LABELS, 'direction'],
    () => samples(memory, directions),
  );
}

type Stat = (typeof STAT_NAMES)[number];

/** Sum of a number over all engines. */
export function sumStat({ native, engines }: Pick<MetricsSources, 'native' | 'engines'>, name: Stat): number {
  return engines.reduce((sum, engine) => sum + readStats(native, engine)[name], 0);
}

export function addConnectionMetrics(families: Families, sources: MetricsSources): void {
  addGroupMetrics(families, sources.memory);
  families.gauge('sluice_connections_spliced', 'Client connections past their handshake', [], () =>
    sumStat(sources, 'spliced'),
  );
  families.gauge('sluice_connections_queued', 'Accepted connections that wait for their worker', [], () =>
    sumStat(sources, 'queued'),
  );
  families.gauge('sluice_pending_bytes', 'Bytes kept for slow readers', [], () => sumStat(sources, 'pendingBytes'));
}
