/**
 * The admin port of the daemon: whether it lives, whether it does its part, metrics, and the health of every endpoint.
 *
 * Ready means that the bus can be reached, whether the daemon leads or stands by. healthd's only thread.
 */
import { metricsRoute } from '@sluice/shared/admin/families';
import { type Admin, type AdminRoute, startAdminServer, textAnswer } from '@sluice/shared/admin/server';
import type { HostPort } from '@sluice/shared/cli/option-values';
import { backendHealthRoute } from '@sluice/shared/health/backend-health';
import type { BusPublisher } from '@sluice/shared/health/bus';
import type { Logger } from '@sluice/shared/log';
import type { Daemon } from './daemon.js';
import type { HealthdMetrics } from './metrics.js';

export interface AdminSources {
  readonly daemon: Pick<Daemon, 'registry' | 'state'>;
  readonly publisher: Pick<BusPublisher, 'leading' | 'unreachable'>;
  readonly metrics: HealthdMetrics;
}

function readyz({ leading, unreachable }: AdminSources['publisher']) {
  if (leading) return textAnswer(200, 'ready: leads');
  if (unreachable === '') return textAnswer(200, 'ready: stands by');
  return textAnswer(503, `not ready: ${unreachable}`);
}

function routesOf({ daemon, publisher, metrics }: AdminSources): AdminRoute[] {
  return [
    { method: 'GET', path: '/livez', summary: 'the process lives', handle: () => textAnswer(200, 'ok') },
    {
      method: 'GET',
      path: '/readyz',
      summary: 'leads or stands by, with the health bus in reach',
      handle: () => readyz(publisher),
    },
    metricsRoute(metrics.families),
    backendHealthRoute({ services: () => daemon.registry.byService(), bus: () => daemon.state }),
  ];
}

/** Starts the admin port. Rejects with ExitError when it cannot be bound. */
export function startAdmin(at: HostPort, sources: AdminSources, log: Logger): Promise<Admin> {
  return startAdminServer({ at, program: 'healthd', log, routes: routesOf(sources) });
}
