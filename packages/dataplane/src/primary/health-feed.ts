/**
 * From what is heard of endpoints to the membership: the health bus, or, where it says nothing, look-ups of our own.
 *
 * The bus's table counts for every service that is in it. A service that is not, and, while the bus is stale, one that is
 * found by name, is looked up here; the last status of an endpoint stays with it. Whatever fails here stays here: the
 * gateway goes on with what it knows. Primary thread.
 */
import type { Discovery, DiscoveryListener } from '@sluice/shared/discovery/discovery';
import { normaliseAddress } from '@sluice/shared/discovery/endpoints';
import type { BusSubscriber } from '@sluice/shared/health/bus';
import type { EndpointRecord, StatusTable, TableChange } from '@sluice/shared/health/table';
import type { Logger } from '@sluice/shared/log';
import { endpointKey } from '@sluice/shared/snapshot/endpoint-key';
import type { ServiceSnapshot } from '@sluice/shared/snapshot/snapshot';
import { sparingly } from '../worker/error-report.js';
import type { Found, Membership } from './membership.js';

/** Names of services that one log line may have. */
const NAMED_MAX = 5;
const MISSING =
  'the health bus does not know these services, so nobody probes them: has its daemon another configuration, or not found their names?';
const KEY_LENGTH_MAX = 200;

export interface HealthFeedOptions {
  /** Those of the first configuration. */
  readonly services: readonly ServiceSnapshot[];
  readonly membership: Membership;
  /** Null: there is no bus. */
  readonly subscriber: BusSubscriber | null;
  /** Not started yet; the feed closes it. */
  readonly discovery: Discovery;
  readonly log: Logger;
}

function isNamed({ targets }: ServiceSnapshot): boolean {
  return targets.some(({ type }) => type === 'name');
}

function foundOf(record: EndpointRecord): Found {
  return { address: record.address, port: record.port, status: record.status, record };
}

/** `namespace/name/port` of an endpoint's key. */
function serviceOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}

/** Whether this is an endpoint that can be dialled, under its own key: whoever writes to the bus may write anything. */
function isEndpoint(key: string, { address, port }: EndpointRecord): boolean {
  return port > 0 && normaliseAddress(address) === address && key === endpointKey(serviceOf(key), address, port);
}

export class HealthFeed {
  readonly #options: Omit<HealthFeedOptions, 'services'>;
  readonly #discovery: Discovery;
  readonly #byName: Map<string, ServiceSnapshot>;
  /** What is looked up is told to the workers at the end of the batch. */
  #isBatch = false;
  /** Services whose targets have changed since the bus has said something of them: what it said then is out of date. */
  readonly #moved = new Set<string>();
  /** Resolves when a table has been taken. */
  readonly firstTable: Promise<void>;
  #tableTaken: () => void = () => {};
  #heard = false;
  /** Services that the last table did not have. */
  #missing: ReadonlySet<string> = new Set();
  readonly #strange: (key: unknown) => void;

  constructor({ services, ...options }: HealthFeedOptions) {
    this.#options = options;
    this.#discovery = options.discovery;
    this.#byName = new Map(services.map((service) => [service.name, service]));
    this.#strange = sparingly((key, suppressed) => {
      const detail = { key: String(key).slice(0, KEY_LENGTH_MAX), suppressed };
      options.log.warn(detail, 'the health bus names an endpoint that is none; it is passed over');
    });
    this.firstTable = new Promise((resolve) => {
      this.#tableTaken = resolve;
    });
  }

  /** Never throws. */
  start(): void {
    const { subscriber } = this.#options;
    this.#guarded('looking up services', () => {
      this.#discovery.update(this.#unheard());
      this.#batched(() => this.#discovery.start(this.#onDiscovered));
    });
    if (subscriber === null) return;
    const guarded = (step: () => void): void => this.#guarded('taking statuses from the health bus', step);
    subscriber.start({
      onTable: (table) => {
        this.#moved.clear();
        guarded(() => this.#takeTable(table));
      },
      onChange: (change, table) => guarded(() => this.#takeChange(change, table)),
      onState: () => guarded(() => this.#takeState()),
    });
  }

  /**
   * Services of another configuration: those that are new, which the membership has, and those that stay, all or a part.
   * Never throws.
   */
  configure(services: readonly ServiceSnapshot[]): void {
    this.#guarded('taking another configuration', () => {
      const added: string[] = [];
      for (const service of services) {
        const known = this.#byName.get(service.name);
        this.#byName.set(service.name, service);
        if (known === undefined) added.push(service.name);
        else if (JSON.stringify(known.targets) !== JSON.stringify(service.targets)) this.#moved.add(service.name);
      }
      const table = this.#options.subscriber?.table;
      if (table != null) this.#takeServices(table, added);
      const unheard = this.#unheard(services);
      const looked = new Set(unheard.map(({ name }) => name));
      this.#batched(() => {
        this.#discovery.drop(services.map(({ name }) => name).filter((name) => !looked.has(name)));
        this.#discovery.set(unheard);
      });
    });
  }

  /** These services are gone. Never throws. */
  drop(names: readonly string[]): void {
    const missing = new Set(this.#missing);
    for (const name of names) {
      this.#byName.delete(name);
      this.#moved.delete(name);
      missing.delete(name);
    }
    this.#missing = missing;
    this.#discovery.drop(names);
  }

  /** Resolves when every service that is found by name has been looked up once, well or not. */
  lookedUp(): Promise<void> {
    return this.#discovery.settled();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#discovery.close();
    await this.#options.subscriber?.close();
  }

  /** The services that the bus says nothing about, or nothing that is still true. */
  #unheard(services: Iterable<ServiceSnapshot> = this.#byName.values()): readonly ServiceSnapshot[] {
    const { subscriber } = this.#options;
    const table = subscriber?.table ?? null;
    const fresh = subscriber?.state.fresh === true;
    const outdated = (service: ServiceSnapshot): boolean => isNamed(service) || this.#moved.has(service.name);
    return [...services].filter((service) => !table?.services.has(service.name) || (!fresh && outdated(service)));
  }

  #takeTable(table: StatusTable): void {
    this.#takeServices(table, this.#byName.keys());
    this.#batched(() => this.#discovery.update(this.#unheard()));
    if (!this.#heard) this.#first(table);
    this.#tellMissing(table);
  }

  /** What the table says of these services. */
  #takeServices(table: StatusTable, names: Iterable<string>): void {
    const { membership } = this.#options;
    const byService = new Map<string, Found[]>();
    for (const name of names) if (table.services.has(name) && this.#byName.has(name)) byService.set(name, []);
    if (byService.size === 0) return;
    for (const [key, record] of this.#endpoints(table.endpoints)) byService.get(serviceOf(key))?.push(foundOf(record));
    for (const [name, endpoints] of byService) {
      membership.replace(name, endpoints);
      membership.settle(name);
    }
    membership.commit();
  }

  #takeChange(change: TableChange, table: StatusTable): void {
    const { membership } = this.#options;
    // What the table has of these is taken as a whole, below.
    const added = new Set(change.addServices);
    for (const [key, record] of this.#endpoints(change.set)) {
      if (!added.has(serviceOf(key))) membership.put(serviceOf(key), foundOf(record));
    }
    for (const key of change.remove) membership.remove(serviceOf(key), key);
    membership.commit();
    if (change.addServices.length === 0 && change.removeServices.length === 0) return;
    this.#takeServices(table, change.addServices);
    this.#batched(() => this.#discovery.update(this.#unheard()));
    this.#tellMissing(table);
  }

  /** Those that are endpoints; the others are passed over. */
  *#endpoints(entries: Iterable<readonly [string, EndpointRecord]>): Iterable<readonly [string, EndpointRecord]> {
    for (const entry of entries) {
      if (isEndpoint(...entry)) yield entry;
      else this.#strange(entry[0]);
    }
  }

  #takeState(): void {
    const { subscriber } = this.#options;
    if (subscriber?.state.fresh && subscriber.table !== null) this.#takeTable(subscriber.table);
    else this.#batched(() => this.#discovery.update(this.#unheard()));
  }

  #first(table: StatusTable): void {
    this.#heard = true;
    const { log } = this.#options;
    log.info({ publisher: table.publisher, endpoints: table.endpoints.size }, 'the first statuses are here');
    this.#tableTaken();
  }

  /** A service that the table has not, or has no more, is not probed by anybody: that is said once, and its end too. */
  #tellMissing(table: StatusTable): void {
    const { log } = this.#options;
    const missing = [...this.#byName.keys()].filter((name) => !table.services.has(name));
    const news = missing.filter((name) => !this.#missing.has(name));
    const known = [...this.#missing].filter((name) => table.services.has(name));
    this.#missing = new Set(missing);
    const detail = (names: readonly string[]) => ({
      services: names.slice(0, NAMED_MAX),
      count: names.length,
      publisher: table.publisher,
    });
    if (news.length > 0) log.warn(detail(news), MISSING);
    if (known.length > 0) log.info(detail(known), 'the health bus knows these services again');
  }

  #onDiscovered: DiscoveryListener = (name, endpoints, reason, complete) => {
    this.#guarded('taking what was looked up', () => {
      const { membership, subscriber } = this.#options;
      const table = subscriber?.table;
      const records = table?.services.has(name) ? table.endpoints : undefined;
      const found = endpoints.map(({ address, port, draining }): Found => {
        const record = records?.get(endpointKey(name, address, port)) ?? null;
        return { address, port, status: draining ? 'draining' : (record?.status ?? 'unknown'), record };
      });
      if (!complete) found.push(...this.#others(name, found));
      membership.replace(name, found, reason);
      const service = this.#byName.get(name);
      if (complete && service !== undefined && isNamed(service)) membership.settle(name);
      if (!this.#isBatch) membership.commit();
    });
  };

  /** What a service has beside these endpoints: as long as a name has no answer, nothing of it is gone. */
  #others(name: string, found: readonly Found[]): readonly Found[] {
    const { membership } = this.#options;
    const keys = new Set(found.map(({ address, port }) => endpointKey(name, address, port)));
    return [...membership.membersOf(name)]
      .filter(({ key }) => !keys.has(key))
      .map(({ address, port, record }) => ({ address, port, status: record?.status ?? 'unknown', record }));
  }

  #batched(step: () => void): void {
    this.#isBatch = true;
    try {
      step();
    } finally {
      this.#isBatch = false;
      this.#options.membership.commit();
    }
  }

  #guarded(what: string, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#options.log.error({ err: error }, `${what} failed; what was known stays in use`);
    }
  }
}
