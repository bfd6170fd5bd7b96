/**
 * `/metrics` of healthd: what it probes, what came of it, and whether it leads. docs/metrics.md is its manual.
 *
 * Probes are counted as they end, a few hundred a second at most; everything else is read when it is scraped. Services
 * are those of the configuration, which bounds the number of series: one that goes takes its own along. healthd's only thread.
 */
import { addConfigurationMetrics, type ConfigurationState } from '@sluice/shared/admin/configuration-metrics';
import { Families } from '@sluice/shared/admin/families';
import { addProcessMetrics } from '@sluice/shared/admin/process-metrics';
import type { BusPublisher } from '@sluice/shared/health/bus';
import type { HealthStatus } from '@sluice/shared/health/table';

export interface HealthdMetricsSources {
  readonly version: string;
  /** Every service of the configuration: `namespace/name/port`. */
  readonly services: () => Iterable<string>;
  /** The endpoints that exist now. */
  readonly endpoints: () => Iterable<{ readonly service: string; readonly status: HealthStatus }>;
  readonly publisher: Pick<BusPublisher, 'leading' | 'epoch'>;
  /** Probes that run now. */
  readonly probesRunning: () => number;
  /** undefined: embedded, the configuration is the gateway's. */
  readonly configuration: () => ConfigurationState | undefined;
}

/** `inconclusive`: said nothing of the endpoint, a fault of this machine. */
export const PROBE_RESULTS = ['succeeded', 'failed', 'inconclusive'] as const;
export type ProbeOutcome = (typeof PROBE_RESULTS)[number];

export interface HealthdMetrics {
  readonly families: Families;
  /** A probe has ended. `pingMs`: the round trip of its ping, when it made one. */
  probed(service: string, outcome: ProbeOutcome, elapsedMs: number, pingMs?: number): void;
  /** A look-up of a service's names failed. */
  resolveFailed(service: string): void;
  /** These services are gone: so are their series. */
  forget(services: readonly string[]): void;
}

const STATUSES: readonly HealthStatus[] = ['unknown', 'healthy', 'unhealthy', 'draining'];
const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** A histogram by service. */
class Durations {
  readonly #services = new Map<string, { labels: { service: string }; counts: number[]; sum: number }>();

  observe(service: string, ms: number): void {
    const seconds = ms / 1000;
    const found = DURATION_BUCKETS_S.findIndex((bound) => seconds <= bound);
    const place = found < 0 ? DURATION_BUCKETS_S.length : found;
    const entry = this.#services.get(service) ?? { labels: { service }, counts: this.#empty(), sum: 0 };
    entry.counts[place] = (entry.counts[place] ?? 0) + 1;
    entry.sum += seconds;
    this.#services.set(service, entry);
  }

  forget(service: string): void {
    this.#services.delete(service);
  }

  #empty(): number[] {
    return new Array<number>(DURATION_BUCKETS_S.length + 1).fill(0);
  }

  values() {
    return this.#services.values();
  }
}

/** A counter by a service and further labels: the key is their values, in order. */
class Counts<Name extends string> {
  readonly #samples = new Map<string, { labels: Record<Name | 'service', string>; value: number }>();

  add(labels: Record<Name | 'service', string>): void {
    const key = Object.values(labels).join(' ');
    const sample = this.#samples.get(key) ?? { labels, value: 0 };
    sample.value++;
    this.#samples.set(key, sample);
  }

  forget(service: string): void {
    for (const [key, { labels }] of this.#samples) if (labels.service === service) this.#samples.delete(key);
  }

  values() {
    return this.#samples.values();
  }
}

function statuses({ services, endpoints }: HealthdMetricsSources) {
  const counts = new Map([...services()].map((service) => [service, STATUSES.map(() => 0)]));
  for (const { service, status } of endpoints()) {
    const count = counts.get(service);
    const place = STATUSES.indexOf(status);
    if (count !== undefined) count[place] = (count[place] ?? 0) + 1;
  }
  return [...counts].flatMap(([service, count]) =>
    STATUSES.map((status, place) => ({ labels: { service, status }, value: count[place] ?? 0 })),
  );
}

function addState(families: Families, sources: HealthdMetricsSources): void {
  const { publisher, probesRunning } = sources;
  // Who stands by knows old verdicts or none: added to the leader's they would hide that nothing is healthy.
  families.gauge('sluice_endpoints', 'Endpoints by status; none while it does not lead', ['service', 'status'], () =>
    publisher.leading ? statuses(sources) : [],
  );
  families.gauge('sluice_probes_running', 'Probes that run now', [], probesRunning);
  families.gauge('sluice_leader', '1 while this daemon leads and publishes', [], () => Number(publisher.leading));
  families.gauge('sluice_leader_epoch', 'Epoch of its reign; none while it does not lead', [], () =>
    publisher.leading ? publisher.epoch : undefined,
  );
}

export function createHealthdMetrics(sources: HealthdMetricsSources): HealthdMetrics {
  const families = new Families();
  const probes = new Counts<'result'>();
  const failures = new Counts<never>();
  const durations = new Durations();
  const pings = new Durations();
  const byService = ['service'];
  families.counter('sluice_probes_total', 'Probes ended, by result', ['service', 'result'], () => probes.values());
  families.histogram('sluice_probe_duration_seconds', 'How long probes took', byService, DURATION_BUCKETS_S, () =>
    durations.values(),
  );
  families.histogram('sluice_probe_ping_seconds', 'Round trip of pings', byService, DURATION_BUCKETS_S, () =>
    pings.values(),
  );
  families.counter('sluice_resolve_failures_total', 'Failed look-ups of names', byService, () => failures.values());
  addState(families, sources);
  addConfigurationMetrics(families, sources.configuration);
  addProcessMetrics(families, sources.version);
  return {
    families,
    probed: (service, result, elapsedMs, pingMs) => {
      probes.add({ service, result });
      durations.observe(service, elapsedMs);
      if (pingMs !== undefined) pings.observe(service, pingMs);
    },
    resolveFailed: (service) => failures.add({ service }),
    forget: (services) => {
      for (const service of services) for (const each of [probes, failures, durations, pings]) each.forget(service);
    },
  };
}
