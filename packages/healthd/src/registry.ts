/**
 * What this daemon knows of every endpoint: membership from discovery, judgement from probes, and the records of the
 * status table that both come to.
 *
 * Each method says what it changed, so that it can be published at once; only when and how long an endpoint was probed
 * waits for `takeDetails`. What a discovery has not said in full (a name that was never answered) takes no endpoint
 * away, so a restart does not forget what the stored table knew. Pure; healthd's only thread.
 */
import type { DiscoveredEndpoint } from '@sluice/shared/discovery/endpoints';
import type { ServiceHealth } from '@sluice/shared/health/backend-health';
import type { ProbedService } from '@sluice/shared/health/probed-services';
import type { EndpointRecord, HealthStatus, StatusTable, TableChange } from '@sluice/shared/health/table';
import { endpointKey } from '@sluice/shared/snapshot/endpoint-key';
import { Departed } from './departed.js';
import type { ProbeResult } from './probes/probe.js';
import { type Judgement, judge, settledJudgement, type Verdict } from './thresholds.js';

const NOTHING: TableChange = { addServices: [], removeServices: [], set: [], remove: [] };

interface Known {
  readonly service: string;
  readonly draining: boolean;
  readonly judgement: Judgement;
  readonly record: EndpointRecord;
}

interface Service {
  readonly config: ProbedService;
  /** Discovery, or the stored table, has said something of it. */
  present: boolean;
  /** What discovery said last is all there is. */
  complete: boolean;
  readonly keys: Set<string>;
}

/** An endpoint that is to be probed. */
export interface Probed {
  readonly key: string;
  readonly service: ProbedService;
  readonly record: EndpointRecord;
}

function statusOf(draining: boolean, { verdict }: Judgement): HealthStatus {
  return draining ? 'draining' : verdict;
}

function verdictOf(status: HealthStatus): Verdict {
  return status === 'draining' ? 'unknown' : status;
}

export class Registry {
  readonly #wallMs: () => number;
  readonly #services = new Map<string, Service>();
  readonly #known = new Map<string, Known>();
  readonly #refreshed = new Set<string>();
  readonly #departed = new Departed();

  /** `wallMs`: ms since the epoch. */
  constructor(wallMs: () => number) {
    this.#wallMs = wallMs;
  }

  /** Of the services that something is known of. */
  get services(): ReadonlySet<string> {
    return new Set([...this.#services].filter(([, { present }]) => present).map(([name]) => name));
  }

  get endpoints(): StatusTable['endpoints'] {
    return new Map([...this.#known].map(([key, { record }]) => [key, record]));
  }

  /** The endpoints that exist now, of every service of the configuration. */
  byService(): ServiceHealth[] {
    return [...this.#services].map(([service, { keys }]) => ({
      service,
      endpoints: [...keys].flatMap((key) => this.#known.get(key)?.record ?? []),
    }));
  }

  record(key: string): EndpointRecord | undefined {
    return this.#known.get(key)?.record;
  }

  /** Those of these endpoints that are to be probed: all that are there, but those that are draining. */
  *probed(keys: Iterable<string> = this.#known.keys()): Iterable<Probed> {
    for (const key of keys) {
      const known = this.#known.get(key);
      const config = this.#services.get(known?.service ?? '')?.config;
      if (known !== undefined && config !== undefined && !known.draining) {
        yield { key, service: config, record: known.record };
      }
    }
  }

  /** These services and no others from now on. */
  configure(services: readonly ProbedService[]): TableChange {
    const wanted = new Map(services.map((service) => [service.name, service]));
    const gone = [...this.#services].filter(([name]) => !wanted.has(name));
    const remove = gone.flatMap(([, { keys }]) => [...keys]);
    for (const key of remove) this.#forget(key);
    for (const [name] of gone) this.#services.delete(name);
    for (const [name, config] of wanted) {
      const before = this.#services.get(name);
      if (before === undefined) this.#services.set(name, { config, present: false, complete: false, keys: new Set() });
      else this.#services.set(name, { ...before, config });
    }
    const removeServices = gone.filter(([, { present }]) => present).map(([name]) => name);
    return { ...NOTHING, removeServices, remove };
  }

  /** What discovery says of a service. */
  discover(name: string, endpoints: readonly DiscoveredEndpoint[], complete: boolean): TableChange {
    const service = this.#services.get(name);
    if (service === undefined) return NOTHING;
    const addServices = service.present ? [] : [name];
    service.present = true;
    service.complete = complete;
    const current = new Map(endpoints.map((each) => [endpointKey(name, each.address, each.port), each]));
    const remove = complete ? [...service.keys].filter((key) => !current.has(key)) : [];
    for (const key of remove) this.#forget(key);
    const set: [string, EndpointRecord][] = [];
    for (const [key, endpoint] of current) {
      const record = this.#admit(name, key, endpoint);
      if (record !== undefined) set.push([key, record]);
    }
    return { ...NOTHING, addServices, set, remove };
  }

  /**
   * Takes over the judgements of the table that another daemon left. Endpoints of services of which this daemon has no
   * complete discovery of its own are taken over too.
   */
  seed(stored: StatusTable): void {
    for (const [key, record] of stored.endpoints) {
      const name = key.slice(0, key.length - endpointKey('', record.address, record.port).length);
      const service = this.#services.get(name);
      const known = this.#known.get(key);
      if (service === undefined || (known === undefined && service.complete)) continue;
      const draining = known?.draining ?? record.status === 'draining';
      const judgement = settledJudgement(verdictOf(record.status));
      const status = statusOf(draining, judgement);
      const sinceMs = status === record.status ? record.sinceMs : this.#wallMs();
      service.present = true;
      service.keys.add(key);
      this.#known.set(key, { service: name, draining, judgement, record: { ...record, status, sinceMs } });
    }
  }

  /** One probe has ended. What changes is the verdict, or why. */
  judge(key: string, { healthy, why, elapsedMs }: ProbeResult): TableChange {
    const known = this.#known.get(key);
    const service = this.#services.get(known?.service ?? '');
    if (known === undefined || service === undefined || known.draining) return NOTHING;
    const judgement = judge(known.judgement, healthy, service.config.probe);
    const before = known.record;
    const settled = healthy && judgement.verdict === 'healthy';
    const record: EndpointRecord = {
      ...before,
      status: judgement.verdict,
      why: settled ? '' : healthy ? before.why : why,
      sinceMs: judgement.verdict === before.status ? before.sinceMs : this.#wallMs(),
      probedAtMs: this.#wallMs(),
      probeMs: Math.round(elapsedMs * 10) / 10,
    };
    this.#known.set(key, { ...known, judgement, record });
    if (record.status === before.status && record.why === before.why) {
      this.#refreshed.add(key);
      return NOTHING;
    }
    this.#refreshed.delete(key);
    return { ...NOTHING, set: [[key, record]] };
  }

  /** Endpoints that were probed since the last change that showed it. */
  get refreshed(): number {
    return this.#refreshed.size;
  }

  /** Those that were probed since, `countMax` at most: those first that have waited longest. */
  takeDetails(countMax = Number.POSITIVE_INFINITY): TableChange {
    const set: [string, EndpointRecord][] = [];
    for (const key of this.#refreshed) {
      if (set.length >= countMax) break;
      this.#refreshed.delete(key);
      const known = this.#known.get(key);
      if (known !== undefined) set.push([key, known.record]);
    }
    return { ...NOTHING, set };
  }

  /** The record of an endpoint that is there: new, or changed between draining and not; undefined when it is the same. */
  #admit(name: string, key: string, { address, port, draining }: DiscoveredEndpoint): EndpointRecord | undefined {
    const known = this.#known.get(key);
    if (known?.draining === draining) return undefined;
    const former = known ?? this.#departed.come(key, this.#wallMs());
    const judgement = former?.judgement ?? settledJudgement('unknown');
    const fresh = { address, port, why: '', probedAtMs: 0, probeMs: 0 };
    const status = statusOf(draining, judgement);
    const record = { ...(former?.record ?? fresh), status, sinceMs: this.#wallMs() };
    this.#services.get(name)?.keys.add(key);
    this.#known.set(key, { service: name, draining, judgement, record });
    return record;
  }

  #forget(key: string): void {
    const known = this.#known.get(key);
    this.#known.delete(key);
    this.#refreshed.delete(key);
    if (known === undefined) return;
    this.#departed.leave(key, known, this.#wallMs());
    this.#services.get(known.service)?.keys.delete(key);
  }
}

/** Whether a change says anything. */
export function isChange({ addServices, removeServices, set, remove }: TableChange): boolean {
  return addServices.length + removeServices.length + set.length + remove.length > 0;
}
