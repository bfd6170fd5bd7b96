/**
 * What a publisher has still to say: the table as it should be, and what of it has changed since the last parcel.
 *
 * Changes between two parcels coalesce, so memory is bounded by the table however long nothing can be sent. A parcel that
 * may not have arrived is never repeated: the whole table follows, as a version of its own. Pure.
 */
import type { EndpointRecord, StatusTable, TableChange } from './table.js';

/** One version to send. `change` null: the whole table, which `services` and `endpoints` are. */
export interface Parcel {
  readonly version: number;
  readonly change: TableChange | null;
  readonly services: ReadonlySet<string>;
  readonly endpoints: ReadonlyMap<string, EndpointRecord>;
}

export class Outbox {
  #services = new Set<string>();
  #endpoints = new Map<string, EndpointRecord>();
  readonly #touchedServices = new Set<string>();
  readonly #touchedEndpoints = new Set<string>();
  /** The next parcel has to be the whole table. */
  #whole = true;
  /** Something was published in this reign. */
  #begun = false;
  #version = -1;

  /** Version of the last parcel; -1 before the first one of a reign. */
  get version(): number {
    return this.#version;
  }

  get pending(): boolean {
    return this.#begun && (this.#whole || this.#touchedServices.size + this.#touchedEndpoints.size > 0);
  }

  /** A new reign, whose first parcel is a whole table. A change that comes before any table applies to `stored`. */
  begin(stored: StatusTable | null): void {
    this.#services = new Set(stored?.services);
    this.#endpoints = new Map(stored?.endpoints);
    this.#begun = false;
    this.#version = -1;
    this.repeatWhole();
  }

  replace(services: ReadonlySet<string>, endpoints: StatusTable['endpoints']): void {
    this.#services = new Set(services);
    this.#endpoints = new Map(endpoints);
    this.#begun = true;
    this.repeatWhole();
  }

  change(change: TableChange): void {
    this.#begun = true;
    for (const service of change.removeServices) this.#services.delete(service);
    for (const service of change.addServices) this.#services.add(service);
    for (const key of change.remove) this.#endpoints.delete(key);
    for (const [key, record] of change.set) this.#endpoints.set(key, record);
    if (this.#whole) return;
    for (const service of [...change.removeServices, ...change.addServices]) this.#touchedServices.add(service);
    for (const key of change.remove) this.#touchedEndpoints.add(key);
    for (const [key] of change.set) this.#touchedEndpoints.add(key);
  }

  /** The last parcel may not have arrived, or what did arrive is gone. */
  repeatWhole(): void {
    this.#whole = true;
    this.#touchedServices.clear();
    this.#touchedEndpoints.clear();
  }

  /** The next version. Only when `pending`. */
  take(): Parcel {
    this.#version += 1;
    const change = this.#whole ? null : this.#takeChange();
    this.#whole = false;
    return { version: this.#version, change, services: this.#services, endpoints: this.#endpoints };
  }

  #takeChange(): TableChange {
    const set: [string, EndpointRecord][] = [];
    const remove: string[] = [];
    for (const key of this.#touchedEndpoints) {
      const record = this.#endpoints.get(key);
      if (record === undefined) remove.push(key);
      else set.push([key, record]);
    }
    const services = [...this.#touchedServices];
    this.#touchedServices.clear();
    this.#touchedEndpoints.clear();
    return {
      addServices: services.filter((service) => this.#services.has(service)),
      removeServices: services.filter((service) => !this.#services.has(service)),
      set,
      remove,
    };
  }
}
