/**
 * Discovery: which endpoints every service has now, told to a listener whenever that changes.
 *
 * Nothing is told of a service before there is something to tell: an endpoint, or that there is none and why. What a
 * failed lookup takes away is nothing. Used by healthd, and by the primary while it has no table. Main thread.
 */
import type { Logger } from '../log.js';
import type { ServiceSnapshot } from '../snapshot/snapshot.js';
import { type Discovered, type DiscoveredEndpoint, discoverEndpoints } from './endpoints.js';
import { type Lookup, NameLookups, systemLookup } from './name-lookups.js';
import { systemTimers, type Timers } from './timers.js';

export const RESOLVE_INTERVAL_MS = 5000;

/**
 * `service`: `namespace/name/port`. `reason`: which names failed and why, '' for none; endpoints of their last answers are
 * in the list all the same. `complete`: false while a name has never been answered, so that absence says nothing yet.
 */
export type DiscoveryListener = (
  service: string,
  endpoints: readonly DiscoveredEndpoint[],
  reason: string,
  complete: boolean,
) => void;

export interface DiscoveryOptions {
  readonly log: Logger;
  /** Between two lookups of a name. */
  readonly intervalMs?: number;
  readonly lookup?: Lookup;
  readonly timers?: Timers;
  readonly random?: () => number;
  /** A lookup of a name of this service has failed, this time. */
  readonly onFailed?: (service: string) => void;
}

/** What of a service says where its endpoints are. */
export type DiscoveredService = Pick<ServiceSnapshot, 'name' | 'targets'>;

interface Known {
  readonly service: DiscoveredService;
  settled: boolean;
  /** What the listener was told last, as text; '' for nothing. */
  told: string;
}

export class Discovery {
  readonly #lookups: NameLookups;
  readonly #services = new Map<string, Known>();
  readonly #byName = new Map<string, Set<string>>();
  #listener: DiscoveryListener | undefined;
  #whenSettled: (() => void)[] = [];

  constructor({ log, intervalMs, lookup, timers, random, onFailed }: DiscoveryOptions) {
    this.#lookups = new NameLookups({
      log,
      intervalMs: intervalMs ?? RESOLVE_INTERVAL_MS,
      lookup: lookup ?? systemLookup,
      timers: timers ?? systemTimers,
      random: random ?? Math.random,
      onAnswer: (name) => {
        for (const service of this.#byName.get(name) ?? []) this.#tell(service);
      },
      onFailed: (name) => {
        for (const service of this.#byName.get(name) ?? []) onFailed?.(service);
      },
    });
  }

  start(listener: DiscoveryListener): void {
    this.#listener = listener;
    this.#refresh();
  }

  /** These services and no others from now on. What is known of a service that stays is not told again. */
  update(services: readonly DiscoveredService[]): void {
    const names = new Set(services.map(({ name }) => name));
    this.drop([...this.#services.keys()].filter((name) => !names.has(name)));
    this.set(services);
  }

  /** These services are so from now on; others stay as they are. Likewise. */
  set(services: readonly DiscoveredService[]): void {
    for (const service of services) {
      const { name, targets } = service;
      const told = this.#services.get(name)?.told ?? '';
      this.#forget(name);
      this.#services.set(name, { service, settled: false, told });
      for (const { type, host } of targets) if (type === 'name') this.#ask(host, name);
    }
    if (this.#listener === undefined) return;
    this.#lookups.update(new Set(this.#byName.keys()));
    for (const { name } of services) this.#tell(name);
  }

  /** These services are not looked up any more. */
  drop(names: readonly string[]): void {
    for (const name of names) this.#forget(name);
    if (this.#listener === undefined) return;
    this.#lookups.update(new Set(this.#byName.keys()));
    this.#checkSettled();
  }

  /** Resolves when a lookup of every name has ended, well or not. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenSettled.push(resolve);
      this.#checkSettled();
    });
  }

  /** Idempotent. */
  close(): void {
    this.#listener = undefined;
    this.#lookups.close();
    this.#services.clear();
    this.#checkSettled();
  }

  #ask(host: string, service: string): void {
    const services = this.#byName.get(host) ?? new Set();
    this.#byName.set(host, services.add(service));
  }

  #forget(name: string): void {
    for (const { type, host } of this.#services.get(name)?.service.targets ?? []) {
      const services = type === 'name' ? this.#byName.get(host) : undefined;
      services?.delete(name);
      if (services?.size === 0) this.#byName.delete(host);
    }
    this.#services.delete(name);
  }

  #refresh(): void {
    this.#lookups.update(new Set(this.#byName.keys()));
    for (const name of this.#services.keys()) this.#tell(name);
  }

  #tell(name: string): void {
    const known = this.#services.get(name);
    if (known === undefined) return;
    const discovered = discoverEndpoints(known.service.targets, (host) => this.#lookups.answer(host));
    known.settled = discovered.settled;
    if (isWorthTelling(discovered)) {
      const { endpoints, reason, complete } = discovered;
      const text = JSON.stringify([endpoints, reason, complete]);
      if (text !== known.told) {
        known.told = text;
        this.#listener?.(name, endpoints, reason, complete);
      }
    }
    this.#checkSettled();
  }

  #checkSettled(): void {
    if (this.#whenSettled.length === 0 || [...this.#services.values()].some(({ settled }) => !settled)) return;
    for (const resolve of this.#whenSettled.splice(0)) resolve();
  }
}

function isWorthTelling({ endpoints, settled }: Discovered): boolean {
  return settled || endpoints.length > 0;
}
