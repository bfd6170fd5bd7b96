/**
 * `/backendHealth` of the data plane: what the primary knows of each endpoint, and what the status board counts.
 *
 * The status is the board's, by which connections are given: it may differ from the bus's last word while the bus is
 * stale. Primary thread.
 */

import type { BackendHealthSources, EndpointHealth, ServiceHealth } from '@sluice/shared/health/backend-health';
import type { StatusBoard } from '@sluice/shared/health/board';
import { TICK_MS, tick } from '@sluice/shared/health/clock';
import type { HealthStatus } from '@sluice/shared/health/table';
import type { EndpointView, HealthView } from './health-view.js';

type Board = Pick<StatusBoard, 'active' | 'planes'>;

/** By EndpointStatus; one that is removed gets nothing new either. */
const STATUSES: readonly HealthStatus[] = ['unknown', 'healthy', 'unhealthy', 'draining', 'draining'];

function endpointHealth({ address, port, slot, status, why, record }: EndpointView, board: Board): EndpointHealth {
  const left = Atomics.load(board.planes.ejectedUntil, slot) - tick();
  return {
    address,
    port,
    status: STATUSES[status] ?? 'unknown',
    why,
    sinceMs: record?.sinceMs ?? 0,
    probedAtMs: record?.probedAtMs ?? 0,
    probeMs: record?.probeMs ?? 0,
    activeConnections: board.active(slot),
    ejectedForMs: Math.max(0, left) * TICK_MS,
  };
}

function serviceHealth(health: HealthView, board: Board): readonly ServiceHealth[] {
  const services = new Map<string, EndpointHealth[]>(health.services.map((service) => [service, []]));
  for (const endpoint of health.endpoints()) services.get(endpoint.service)?.push(endpointHealth(endpoint, board));
  return [...services].map(([service, endpoints]) => ({ service, endpoints }));
}

export function backendHealthSources(health: HealthView, board: Board): BackendHealthSources {
  const services = (): readonly ServiceHealth[] => serviceHealth(health, board);
  return health.source === 'off' ? { services } : { services, bus: () => health.state };
}
