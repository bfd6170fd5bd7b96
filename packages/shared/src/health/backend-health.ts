/**
 * `/backendHealth`: the health of every service's endpoints in the JSON of the reference product (its page "ALB
 * Controller - Backend Health"): totals by service, with `detailed=true` the endpoints too, and of each what we know.
 *
 * A service has one entry in `serviceHealth`: this gateway. `totalHealthyEndpoints` and `totalUnhealthyEndpoints` count
 * HEALTHY and UNHEALTHY; the rest of `totalEndpoints` is UNKNOWN or DRAINING. Pure; data plane and healthd.
 */
import { type AdminAnswer, type AdminRoute, jsonAnswer } from '../admin/server.js';
import type { BusState } from './bus.js';
import type { EndpointRecord } from './table.js';

export interface EndpointHealth extends EndpointRecord {
  /** Connections that are open now; only the data plane knows. */
  readonly activeConnections?: number;
  /** How long passive observation still leaves it out, ms, 0 for not; only the data plane knows. */
  readonly ejectedForMs?: number;
}

export interface ServiceHealth {
  /** `namespace/name/port`. */
  readonly service: string;
  readonly endpoints: readonly EndpointHealth[];
}

export interface BackendHealthSources {
  readonly services: () => readonly ServiceHealth[];
  /** The health bus, where there is one to hear from. */
  readonly bus?: () => BusState;
}

/** The last moment that a Date can be: what comes over the bus may be any number. */
const MOMENT_MAX_MS = 8.64e15;

/** ISO 8601; null for never. */
function time(ms: number): string | null {
  return ms > 0 && ms <= MOMENT_MAX_MS ? new Date(ms).toISOString() : null;
}

function endpointJson(endpoint: EndpointHealth): unknown {
  const { address, port, status, why, sinceMs, probedAtMs, probeMs, activeConnections, ejectedForMs } = endpoint;
  return {
    address,
    port,
    health: {
      status: status.toUpperCase(),
      why,
      since: time(sinceMs),
      lastProbe: time(probedAtMs),
      lastProbeMs: probedAtMs > 0 ? probeMs : null,
    },
    ...(activeConnections === undefined ? {} : { activeConnections }),
    ...(ejectedForMs === undefined ? {} : { ejected: ejectedForMs > 0, ejectedForMs }),
  };
}

function serviceJson({ service, endpoints }: ServiceHealth, detailed: boolean): unknown {
  const count = (wanted: EndpointRecord['status']): number =>
    endpoints.filter(({ status }) => status === wanted).length;
  const totals = {
    totalEndpoints: endpoints.length,
    totalHealthyEndpoints: count('healthy'),
    totalUnhealthyEndpoints: count('unhealthy'),
  };
  const health = detailed ? { ...totals, endpoints: endpoints.map(endpointJson) } : totals;
  return { serviceName: service, serviceHealth: [health] };
}

/** Said always in detail, and in the summary when what it shows may be old. */
function busJson(state: BusState | undefined, detailed: boolean): Readonly<Record<string, unknown>> {
  if (state === undefined || (state.fresh && !detailed)) return {};
  return { healthBus: { fresh: state.fresh, reason: state.reason, since: time(state.sinceMs) } };
}

/** The answer to a query string: `service-name=namespace/service/port` (404 without such a service), `detailed=true`. */
export function backendHealth(sources: BackendHealthSources, query: URLSearchParams): AdminAnswer {
  const name = query.get('service-name');
  const detailed = query.get('detailed') === 'true';
  const all = sources.services();
  const services = name === null ? all : all.filter(({ service }) => service === name);
  if (name !== null && services.length === 0) {
    const error = `there is no service ${name} here; service-name is namespace/service/port, as /backendHealth lists it`;
    return jsonAnswer(404, { error });
  }
  return jsonAnswer(200, {
    services: services.map((service) => serviceJson(service, detailed)),
    ...busJson(sources.bus?.(), detailed),
  });
}

export function backendHealthRoute(sources: BackendHealthSources): AdminRoute {
  return {
    method: 'GET',
    path: '/backendHealth',
    summary: 'endpoints by service; ?service-name=NAMESPACE/SERVICE/PORT, ?detailed=true',
    handle: ({ searchParams }) => backendHealth(sources, searchParams),
  };
}
