/**
 * The admin port of the data plane: is the process alive, is it ready, what of its backends and its configuration, its metrics; with
 * SLUICE_FAULTS=1 also the injection of faults.
 *
 * The server and its limits are shared with healthd; here is the table of its routes. Primary thread.
 */
import { metricsRoute } from '@sluice/shared/admin/families';
import {
  type Admin,
  type AdminAnswer,
  type AdminRoute,
  startAdminServer,
  textAnswer,
} from '@sluice/shared/admin/server';
import type { HostPort } from '@sluice/shared/cli/option-values';
import { backendHealthRoute } from '@sluice/shared/health/backend-health';
import type { Logger } from '@sluice/shared/log';
import { FAULTS, type Fault } from '../worker/messages.js';
import { backendHealthSources } from './backend-health.js';
import { createMetrics } from './metrics/metrics.js';
import type { MetricsSources } from './metrics/sources.js';

export type { Admin } from '@sluice/shared/admin/server';

export interface AdminOptions {
  readonly at: HostPort;
  readonly log: Logger;
  /** Why the process is not ready; empty when it is. */
  readonly reasons: () => readonly string[];
  /** Injects a fault, false when there is no such worker; undefined when faults are not enabled. */
  readonly fault: ((worker: number, fault: Fault) => boolean) | undefined;
  /** What `/metrics` and `/backendHealth` are read from. */
  readonly sources: MetricsSources;
}

const FAULT_PATH = '/fault/';

function readiness(reasons: readonly string[]): AdminAnswer {
  return reasons.length === 0 ? textAnswer(200, 'ready') : textAnswer(503, reasons.join('\n'));
}

function isFault(name: string): name is Fault {
  return (FAULTS as readonly string[]).includes(name);
}

/** An exception that nothing catches, outside of any request. */
function throwHere(): AdminAnswer {
  setImmediate(() => {
    throw new Error('injected fault: throw');
  });
  return textAnswer(202, 'throw injected into the primary');
}

function injection(url: URL, inject: NonNullable<AdminOptions['fault']>): AdminAnswer {
  const name = url.pathname.slice(FAULT_PATH.length);
  const worker = url.searchParams.get('worker') ?? '0';
  if (!isFault(name)) return textAnswer(404, 'not found');
  if (worker === 'primary' && name === 'throw') return throwHere();
  if (!/^\d{1,3}$/.test(worker)) return textAnswer(400, 'worker must be a number');
  if (!inject(Number(worker), name)) return textAnswer(409, `worker ${worker} is not alive`);
  return textAnswer(202, `${name} injected into worker ${worker}`);
}

function routesOf({ reasons, fault, sources }: AdminOptions): readonly AdminRoute[] {
  const own: AdminRoute[] = [
    { method: 'GET', path: '/livez', summary: 'is the process alive', handle: () => textAnswer(200, 'alive') },
    { method: 'GET', path: '/readyz', summary: 'should it get traffic', handle: () => readiness(reasons()) },
    metricsRoute(createMetrics(sources)),
    {
      method: 'GET',
      path: '/config',
      summary: 'which configuration is in force, its conditions, and the last attempt to change it',
      handle: () => ({ status: 200, body: sources.reload.page, contentType: 'application/json; charset=utf-8' }),
    },
    backendHealthRoute(backendHealthSources(sources.health, sources.board)),
  ];
  if (fault !== undefined) own.push({ method: 'POST', path: FAULT_PATH, handle: (url) => injection(url, fault) });
  return own;
}

/** Starts the admin port. Rejects with ExitError when it cannot be bound. */
export function startAdmin(options: AdminOptions): Promise<Admin> {
  const { at, log } = options;
  return startAdminServer({ at, log, program: 'sluice', routes: routesOf(options) });
}
