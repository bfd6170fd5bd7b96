/**
 * `/metrics` of the data plane: every family, in the order of the page. docs/metrics.md is its manual.
 *
 * Nothing is kept here: a scrape reads shared memory and sums over the threads. Primary thread.
 */
import { addConfigurationMetrics } from '@sluice/shared/admin/configuration-metrics';
import { Families } from '@sluice/shared/admin/families';
import { addProcessMetrics } from '@sluice/shared/admin/process-metrics';
import { addConnectionMetrics } from './connection-metrics.js';
import { addHandshakeMetrics } from './handshake-metrics.js';
import { addHealthMetrics } from './health-metrics.js';
import { addHttp2Metrics } from './http2-metrics.js';
import type { MetricsSources } from './sources.js';
import { addThreadMetrics } from './thread-metrics.js';

export function createMetrics(sources: MetricsSources): Families {
  const families = new Families();
  addConnectionMetrics(families, sources);
  addHandshakeMetrics(families, sources);
  addHttp2Metrics(families, sources);
  addHealthMetrics(families, sources);
  addConfigurationMetrics(families, () => sources.reload);
  addThreadMetrics(families, sources);
  addProcessMetrics(families, sources.version);
  return families;
}
