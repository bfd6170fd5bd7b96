/** Metrics of the configuration: which one is in force, and what came of reading it again. Primary thread. */
import type { Families } from '@sluice/shared/admin/families';
import type { MetricsSources } from './sources.js';

export function addConfigMetrics(families: Families, { reload }: MetricsSources): void {
  families.gauge('sluice_config_info', 'The configuration in force', ['version'], () => [
    { labels: { version: reload.version }, value: 1 },
  ]);
  families.counter('sluice_config_reloads_total', 'Times that the configuration was read again', ['result'], () =>
    Object.entries(reload.counts).map(([result, value]) => ({ labels: { result }, value })),
  );
  families.gauge('sluice_config_last_reload_success', '0 while the last configuration read is refused', [], () =>
    Number(reload.last.result !== 'refused'),
  );
  families.gauge(
    'sluice_config_last_reload_timestamp_seconds',
    'When the configuration was read last',
    [],
    () => reload.last.atMs / 1000,
  );
}
