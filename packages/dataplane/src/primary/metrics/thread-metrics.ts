/**
 * Metrics of the process's own parts: workers, event loops, accepting, the access log. Primary thread.
 */
import type { Families, Sample } from '@sluice/shared/admin/families';
import { readStats } from '../../engine/stats.js';
import { sumStat } from './connection-metrics.js';
import type { MetricsSources } from './sources.js';

function byState({ workers, engines }: MetricsSources): Sample[] {
  const watched = workers.watched();
  const live = watched.filter((worker) => worker.live).length;
  const counts = { live, booting: watched.length - live, down: engines.length - watched.length };
  return Object.entries(counts).map(([state, value]) => ({ labels: { state }, value }));
}

/** Reading it begins a new observation. */
function lag(thread: string, cell: Int32Array): Sample {
  return { labels: { thread }, value: Atomics.exchange(cell, 0, 0) / 1e6 };
}

function lags({ memory, primaryLagUs }: MetricsSources): Sample[] {
  return [lag('primary', primaryLagUs), ...memory.workers.map(({ lagUs }, worker) => lag(`worker-${worker}`, lagUs))];
}

function addWorkerMetrics(families: Families, sources: MetricsSources): void {
  const { native, engines, memory } = sources;
  const byWorker = (values: readonly number[]): Sample[] =>
    values.map((value, worker) => ({ labels: { worker: String(worker) }, value }));
  families.gauge('sluice_workers', 'Workers by state', ['state'], () => byState(sources));
  families.counter('sluice_worker_restarts_total', 'Lives of a worker after its first', ['worker'], () =>
    byWorker(memory.restarts()),
  );
  families.gauge(
    'sluice_worker_heartbeat_age_seconds',
    'Since the engine of the worker was last driven',
    ['worker'],
    () => byWorker(engines.map((engine) => readStats(native, engine).heartbeatAgeMs / 1000)),
  );
  families.gauge(
    'sluice_event_loop_lag_seconds',
    'Longest delay of a timer since the last scrape, sampled twice a second',
    ['thread'],
    () => lags(sources),
  );
}

function tlsHandshakes(sources: MetricsSources): Sample[] {
  const resumed = sumStat(sources, 'tlsResumed');
  const sample = (side: string, result: string, value: number): Sample => ({ labels: { side, result }, value });
  return [
    sample('client', 'full', sumStat(sources, 'tlsAccepted') - resumed),
    sample('client', 'resumed', resumed),
    sample('client', 'failed', sumStat(sources, 'tlsRefused')),
    sample('backend', 'full', sumStat(sources, 'tlsConnected')),
    sample('backend', 'failed', sumStat(sources, 'tlsUnconnected')),
  ];
}

export function addThreadMetrics(families: Families, sources: MetricsSources): void {
  const { native, logWriteLosses } = sources;
  addWorkerMetrics(families, sources);
  families.gauge('sluice_accept_waiting', '1 while accepting waits for this', ['for'], () => {
    const { waitsFor } = native.descriptors();
    return ['descriptors', 'workers'].map((what) => ({ labels: { for: what }, value: Number(waitsFor === what) }));
  });
  families.gauge('sluice_descriptors_limit', 'Limit of open file descriptors', [], () => native.descriptors().limit);
  families.counter('sluice_tls_handshakes_total', 'TLS handshakes ended, by side and result', ['side', 'result'], () =>
    tlsHandshakes(sources),
  );
  families.counter('sluice_access_log_records_total', 'Access-log records made', [], () =>
    sumStat(sources, 'logRecords'),
  );
  families.counter('sluice_access_log_lost_total', 'Access-log records lost, by where', ['at'], () => [
    { labels: { at: 'ring' }, value: sumStat(sources, 'logDrops') },
    { labels: { at: 'sink' }, value: logWriteLosses() },
  ]);
}
