/**
 * The health daemon: discovery → probes → judgement → publication, each of them a part of its own.
 *
 * Only the daemon that leads probes. Discovery goes on in every one, so that a successor knows the endpoints when it is
 * elected; it goes on from the table that its predecessor stored. A verdict is published in the turn in which it falls;
 * when and how long endpoints were probed, which changes nothing, goes out in batches. The services may change while it
 * runs: who leads publishes what that changes, and nothing else. healthd's only thread.
 */
import { Discovery, type DiscoveryListener } from '@sluice/shared/discovery/discovery';
import { LOOKUP_DEADLINE_MS } from '@sluice/shared/discovery/name-lookups';
import { systemTimers, type Timers } from '@sluice/shared/discovery/timers';
import type { BusPublisher, BusState } from '@sluice/shared/health/bus';
import { encodeProbedServices, type ProbedServices } from '@sluice/shared/health/probed-services';
import type { StatusTable, TableChange } from '@sluice/shared/health/table';
import type { Logger } from '@sluice/shared/log';
import { Burst } from './burst.js';
import type { HealthdMetrics, ProbeOutcome } from './metrics.js';
import { ProbeSet } from './probe-set.js';
import type { CreateProbe } from './probes/create-probe.js';
import type { ProbeResult } from './probes/probe.js';
import { isChange, type Probed, Registry } from './registry.js';
import { type ProbeOrder, Scheduler } from './scheduler.js';

export const DETAILS_INTERVAL_MS = 10_000;
/** Endpoints in one batch: as a message far smaller than one that subscribers have to read the table for. */
export const DETAILS_MAX = 500;

/** Names of services that one log line may have. */
const NAMED_MAX = 5;

export interface DaemonOptions {
  readonly log: Logger;
  readonly publisher: BusPublisher;
  readonly createProbe: CreateProbe;
  /** Between two lookups of a name. */
  readonly resolveIntervalMs: number;
  /** Probes that may run at once. */
  readonly probesMax: number;
  readonly timers?: Timers;
  readonly observer: DaemonObserver;
}

/** Hears of every probe, of every failed lookup and of services that go, for metrics. */
export type DaemonObserver = Pick<HealthdMetrics, 'probed' | 'resolveFailed' | 'forget'>;

export class Daemon {
  readonly #options: DaemonOptions;
  readonly #log: Logger;
  readonly #timers: Timers;
  readonly #discovery: Discovery;
  readonly #registry = new Registry(Date.now);
  readonly #scheduler: Scheduler;
  readonly #probes: ProbeSet;
  /** What it was told to probe last, as text. */
  #told = '';
  #services: readonly string[] = [];
  #leading = false;
  #turnedMs = Date.now();
  /** Of its last reign: what it knows is as new as any table up to then. */
  #epoch = 0;
  #closed = false;
  #cancelDetails: (() => void) | undefined;
  readonly #bursts: Readonly<Record<'changed' | 'healthy' | 'unhealthy', Burst>>;

  constructor(options: DaemonOptions) {
    const { log, resolveIntervalMs, probesMax, observer, timers = systemTimers } = options;
    const onFailed = (service: string): void => observer.resolveFailed(service);
    this.#options = options;
    this.#log = log;
    this.#timers = timers;
    this.#bursts = {
      changed: new Burst(timers, (more) => log.info({ more }, 'endpoints of more services changed')),
      healthy: new Burst(timers, (more) => log.info({ more }, 'more endpoints are healthy')),
      unhealthy: new Burst(timers, (more) => log.warn({ more }, 'more endpoints are unhealthy')),
    };
    this.#probes = new ProbeSet(options.createProbe);
    this.#discovery = new Discovery({ log, intervalMs: resolveIntervalMs, timers, onFailed });
    this.#scheduler = new Scheduler({
      log,
      timers,
      random: Math.random,
      probesMax,
      onResult: ({ service, key }, result) => this.#judge(service, key, result),
    });
  }

  get leading(): boolean {
    return this.#leading;
  }

  /** Probes that run now. */
  get running(): number {
    return this.#scheduler.running;
  }

  /** Whether what it knows of endpoints is of now: only who leads probes. */
  get state(): BusState {
    const reason = this.#leading ? '' : 'this daemon stands by: it does not probe';
    return { fresh: this.#leading, reason, sinceMs: this.#turnedMs };
  }

  get registry(): Pick<Registry, 'services' | 'endpoints' | 'byService'> {
    return this.#registry;
  }

  /**
   * Takes part in the election once there are endpoints to speak of: a first table without them would take the backends
   * from gateways that know them.
   */
  async start(services: ProbedServices): Promise<void> {
    this.update(services);
    this.#discovery.start(this.#onDiscovery);
    await this.#firstLookups();
    if (this.#closed) return;
    this.#options.publisher.start({
      onElected: (stored, epoch) => this.#lead(stored, epoch),
      onDeposed: (reason) => this.#standBy(reason),
    });
  }

  /**
   * These services and no others from now on. Endpoints that stay keep their judgement and their turns: also where the
   * probe has changed, of which the next one makes use. Equal services change nothing; then the answer is false.
   */
  update(services: ProbedServices): boolean {
    const told = encodeProbedServices(services);
    if (this.#closed || told === this.#told) return false;
    this.#told = told;
    const before = this.#services;
    this.#services = services.services.map(({ name }) => name);
    const names = new Set(this.#services);
    const probedAnew = this.#probes.update(services);
    const gone = this.#registry.configure(services.services);
    for (const key of gone.remove) this.#scheduler.delete(key);
    this.#publish(gone);
    this.#options.observer.forget(before.filter((name) => !names.has(name)));
    for (const probed of this.#registry.probed()) {
      const order = probedAnew.has(probed.service.name) ? this.#orderOf(probed) : undefined;
      if (order !== undefined) this.#scheduler.change(order, probed.record.status === 'unknown');
    }
    this.#discovery.update(services.services);
    return true;
  }

  /** `namespace/name/port`. */
  get services(): readonly string[] {
    return this.#services;
  }

  /** Gives the lease back. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopProbing();
    this.#discovery.close();
    for (const burst of Object.values(this.#bursts)) burst.close();
    await this.#options.publisher.close();
  }

  /** Until every name was asked, but no longer than one lookup may take. */
  #firstLookups(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#timers.after(LOOKUP_DEADLINE_MS, resolve);
      void this.#discovery.settled().then(() => {
        cancel();
        resolve();
      });
    });
  }

  #onDiscovery: DiscoveryListener = (service, endpoints, reason, complete) => {
    const change = this.#registry.discover(service, endpoints, complete);
    if (!isChange(change)) return;
    const detail = { service, endpoints: endpoints.length, ...(reason === '' ? {} : { reason }) };
    if (this.#bursts.changed.take()) this.#log.info(detail, 'endpoints changed');
    for (const key of change.remove) this.#scheduler.delete(key);
    for (const [key, { status }] of change.set) if (status === 'draining') this.#scheduler.delete(key);
    for (const probed of this.#registry.probed(change.set.map(([key]) => key))) this.#schedule(probed);
    this.#publish(change);
  };

  #schedule(probed: Probed): void {
    const order = this.#orderOf(probed);
    if (order !== undefined) this.#scheduler.set(order);
  }

  #orderOf({ key, service, record }: Probed): ProbeOrder | undefined {
    const probe = this.#probes.get(service.name);
    if (probe === undefined) return undefined;
    const target = { address: record.address, port: record.port };
    return { key, service: service.name, target, settings: service.probe, probe };
  }

  #judge(service: string, key: string, result: ProbeResult): void {
    this.#options.observer.probed(service, outcomeOf(result), result.elapsedMs, result.pingMs);
    if (result.inconclusive === true) {
      this.#log.debug({ endpoint: key, why: result.why }, 'a probe said nothing of its endpoint');
      return;
    }
    const before = this.#registry.record(key)?.status;
    const change = this.#registry.judge(key, result);
    this.#publish(change);
    const after = this.#registry.record(key);
    if (after === undefined || after.status === before) return;
    const detail = {
      endpoint: key,
      status: after.status,
      was: before,
      ...(after.why === '' ? {} : { why: after.why }),
    };
    const burst = after.status === 'unhealthy' ? this.#bursts.unhealthy : this.#bursts.healthy;
    if (!burst.take()) return;
    if (after.status === 'unhealthy') this.#log.warn(detail, 'endpoint is unhealthy');
    else this.#log.info(detail, 'endpoint is healthy');
  }

  #publish(change: TableChange): void {
    if (this.#leading && isChange(change)) this.#options.publisher.publish(change);
  }

  #lead(stored: StatusTable | null, epoch: number): void {
    if (this.#closed) return;
    // A table of its own reign, or of one before, may have been restored from a snapshot, or lack the last verdicts.
    if (stored !== null && stored.epoch > this.#epoch) this.#registry.seed(stored);
    this.#epoch = epoch;
    if (stored !== null) this.#tellForeign(stored);
    this.#log.info({ epoch, endpoints: this.#registry.endpoints.size }, 'probes from now on');
    this.#leading = true;
    this.#turnedMs = Date.now();
    this.#options.publisher.publishTable(this.#registry.services, this.#registry.endpoints);
    for (const probed of this.#registry.probed()) this.#schedule(probed);
    this.#scheduler.start((key) => this.#registry.record(key)?.status === 'unknown');
    this.#refreshDetails();
  }

  /** Daemons of one Redis have one configuration; where they have not, the services of each leader go with it. */
  #tellForeign({ services, publisher }: StatusTable): void {
    const own = new Set(this.#services);
    const foreign = [...services].filter((name) => !own.has(name));
    if (foreign.length === 0) return;
    const detail = { services: foreign.slice(0, NAMED_MAX), count: foreign.length, publisher };
    this.#log.warn(
      detail,
      'the last leader had services that this configuration has not: they are removed from the table',
    );
  }

  #standBy(reason: string): void {
    this.#log.info({ reason }, 'stands by: probes no more');
    this.#stopProbing();
  }

  #stopProbing(): void {
    if (this.#leading) this.#turnedMs = Date.now();
    this.#leading = false;
    this.#scheduler.stop();
    this.#cancelDetails?.();
    this.#cancelDetails = undefined;
  }

  #refreshDetails(): void {
    this.#cancelDetails?.();
    const batches = Math.max(1, Math.ceil(this.#registry.refreshed / DETAILS_MAX));
    this.#cancelDetails = this.#timers.after(DETAILS_INTERVAL_MS / batches, () => {
      this.#publish(this.#registry.takeDetails(DETAILS_MAX));
      this.#refreshDetails();
    });
  }
}

function outcomeOf({ healthy, inconclusive }: ProbeResult): ProbeOutcome {
  if (inconclusive === true) return 'inconclusive';
  return healthy ? 'succeeded' : 'failed';
}
