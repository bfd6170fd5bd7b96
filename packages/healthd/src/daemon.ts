/**
 * The health daemon: discovery → probes → judgement → publication, each of them a part of its own.
 *
 * Only the daemon that leads probes. Discovery goes on in every one, so that a successor knows the endpoints when it is
 * elected; it goes on from the table that its predecessor stored. A verdict is published in the turn in which it falls;
 * when and how long endpoints were probed, which changes nothing, goes out in batches. healthd's only thread.
 */
import { Discovery, type DiscoveryListener } from '@sluice/shared/discovery/discovery';
import { LOOKUP_DEADLINE_MS } from '@sluice/shared/discovery/name-lookups';
import { systemTimers, type Timers } from '@sluice/shared/discovery/timers';
import type { BusPublisher, BusState } from '@sluice/shared/health/bus';
import type { StatusTable, TableChange } from '@sluice/shared/health/table';
import type { Logger } from '@sluice/shared/log';
import type { ServiceSnapshot } from '@sluice/shared/snapshot/snapshot';
import type { HealthdMetrics, ProbeOutcome } from './metrics.js';
import type { Probe, ProbeResult } from './probes/probe.js';
import { isChange, type Probed, Registry } from './registry.js';
import { Scheduler } from './scheduler.js';

export const DETAILS_INTERVAL_MS = 10_000;
/** Endpoints in one batch: as a message far smaller than one that subscribers have to read the table for. */
export const DETAILS_MAX = 500;

/** Names of services that one log line may have. */
const NAMED_MAX = 5;

export interface DaemonOptions {
  readonly log: Logger;
  readonly services: readonly ServiceSnapshot[];
  readonly publisher: BusPublisher;
  readonly createProbe: (check: ServiceSnapshot['probe']['check']) => Probe;
  /** Between two lookups of a name. */
  readonly resolveIntervalMs: number;
  /** Probes that may run at once. */
  readonly probesMax: number;
  readonly timers?: Timers;
  readonly observer: DaemonObserver;
}

/** Hears of every probe and of every failed lookup, for metrics. */
export type DaemonObserver = Pick<HealthdMetrics, 'probed' | 'resolveFailed'>;

export class Daemon {
  readonly #options: DaemonOptions;
  readonly #log: Logger;
  readonly #timers: Timers;
  readonly #discovery: Discovery;
  readonly #registry = new Registry(Date.now);
  readonly #scheduler: Scheduler;
  readonly #probes = new Map<string, Probe>();
  #leading = false;
  #turnedMs = Date.now();
  /** Of its last reign: what it knows is as new as any table up to then. */
  #epoch = 0;
  #closed = false;
  #cancelDetails: (() => void) | undefined;

  constructor(options: DaemonOptions) {
    const { log, resolveIntervalMs, probesMax, observer, timers = systemTimers } = options;
    const onFailed = (service: string): void => observer.resolveFailed(service);
    this.#options = options;
    this.#log = log;
    this.#timers = timers;
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
  async start(): Promise<void> {
    const { services, publisher, createProbe } = this.#options;
    for (const { name, probe } of services) this.#probes.set(name, createProbe(probe.check));
    this.#registry.configure(services);
    this.#discovery.update(services);
    this.#discovery.start(this.#onDiscovery);
    await this.#firstLookups();
    if (this.#closed) return;
    publisher.start({
      onElected: (stored, epoch) => this.#lead(stored, epoch),
      onDeposed: (reason) => this.#standBy(reason),
    });
  }

  /** Gives the lease back. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopProbing();
    this.#discovery.close();
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
    this.#log.info({ service, endpoints: endpoints.length, ...(reason === '' ? {} : { reason }) }, 'endpoints changed');
    for (const key of change.remove) this.#scheduler.delete(key);
    for (const [key, { status }] of change.set) if (status === 'draining') this.#scheduler.delete(key);
    for (const probed of this.#registry.probed(change.set.map(([key]) => key))) this.#schedule(probed);
    this.#publish(change);
  };

  #schedule({ key, service, record }: Probed): void {
    const probe = this.#probes.get(service.name);
    if (probe === undefined) return;
    const target = { address: record.address, port: record.port };
    this.#scheduler.set({ key, service: service.name, target, settings: service.probe, probe });
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
    const own = new Set(this.#options.services.map(({ name }) => name));
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
