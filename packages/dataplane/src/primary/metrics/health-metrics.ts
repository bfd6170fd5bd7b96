/**
 * Metrics of backends and of the health bus, read from what the primary knows of them.
 *
 * Without a health bus (`--health off`) its families are empty: nothing that is absent by choice looks like a failure.
 * Primary thread.
 */
import type { Families, Sample } from '@sluice/shared/admin/families';
import { EndpointStatus, type StatusBoard } from '@sluice/shared/health/board';
import { tick } from '@sluice/shared/health/clock';
import type { HealthView } from '../health-view.js';
import type { MetricsSources } from './sources.js';

const STATUSES = ['unknown', 'healthy', 'unhealthy', 'draining'] as const;

function statuses(health: HealthView): Sample[] {
  const counts = new Map(health.services.map((service) => [service, STATUSES.map(() => 0)]));
  for (const { service, status } of health.endpoints()) {
    const count = counts.get(service);
    if (count !== undefined && status < EndpointStatus.removed) count[status] = (count[status] as number) + 1;
  }
  return [...counts].flatMap(([service, count]) =>
    STATUSES.map((status, place) => ({ labels: { service, status }, value: count[place] as number })),
  );
}

function ejected(health: HealthView, { planes }: Pick<StatusBoard, 'planes'>): Sample[] {
  const now = tick();
  const counts = new Map(health.services.map((service) => [service, 0]));
  for (const { service, slot } of health.endpoints()) {
    if (Atomics.load(planes.ejectedUntil, slot) > now) counts.set(service, (counts.get(service) ?? 0) + 1);
  }
  return [...counts].map(([service, value]) => ({ labels: { service }, value }));
}

function addBusMetrics(families: Families, health: HealthView): void {
  const heard = (read: () => number | undefined) => () => (health.source === 'off' ? undefined : read());
  const gauge = (name: string, help: string, read: () => number | undefined): void =>
    families.gauge(`sluice_health_bus_${name}`, help, [], heard(read));
  const counter = (name: string, help: string, read: () => number): void =>
    families.counter(`sluice_health_bus_${name}`, help, [], heard(read));
  gauge('fresh', '1 while heartbeats arrive and the table is that of the last one', () => Number(health.state.fresh));
  gauge('lag_seconds', 'From publication to arrival of the last message', () => health.stats.lagMs / 1000);
  gauge('heartbeat_age_seconds', 'Since the last heartbeat', () => {
    const { lastHeartbeatMs } = health.stats;
    return lastHeartbeatMs > 0 ? Math.max(0, Date.now() - lastHeartbeatMs) / 1000 : undefined;
  });
  gauge('epoch', 'Reign of the leader that published the table', () => health.table?.epoch);
  gauge('version', 'Version of the table in its epoch', () => health.table?.version);
  counter('reconnects_total', 'Connections to the bus made again', () => health.stats.reconnects);
  counter('rereads_total', 'Times that the whole table was read again', () => health.stats.rereads);
}

export function addHealthMetrics(families: Families, { health, board }: MetricsSources): void {
  families.gauge('sluice_endpoints', 'Endpoints by status', ['service', 'status'], () => statuses(health));
  families.gauge('sluice_endpoints_ejected', 'Endpoints left out for connects that failed', ['service'], () =>
    ejected(health, board),
  );
  families.gauge('sluice_endpoints_left_out', 'Endpoints beyond --endpoints-max', [], () => health.leftOut);
  addBusMetrics(families, health);
  families.counter('sluice_health_daemon_restarts_total', 'Restarts of the embedded healthd', [], () =>
    health.source === 'embedded' ? health.daemonRestarts : undefined,
  );
}
