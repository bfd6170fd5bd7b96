/**
 * The endpoints of every service, as a worker knows them now.
 *
 * The primary sends a service's whole list when its membership changes; what changes often (status, load) is on the
 * status board instead. Lists are immutable and replaced whole, so that whoever prepared something from one (a ring, a
 * cursor) sees by identity that it is out of date; a list that says the same as before stays the same object.
 * Worker thread.
 */
import { hostPort } from '@sluice/shared/snapshot/endpoint-key';
import type { EndpointSnapshot, ServiceEndpoints } from '../worker/messages.js';

const NONE: ServiceEndpoints = { service: '', endpoints: [], why: '' };

export class EndpointSets {
  readonly #services = new Map<string, ServiceEndpoints>();

  constructor(services: readonly ServiceEndpoints[]) {
    this.update(services);
  }

  /** Replaces what is known of these services, and forgets those that are gone. */
  update(services: readonly ServiceEndpoints[], gone: readonly string[] = []): void {
    for (const name of gone) this.#services.delete(name);
    for (const entry of services) {
      const { endpoints } = this.#get(entry.service);
      this.#services.set(entry.service, isSame(endpoints, entry.endpoints) ? { ...entry, endpoints } : entry);
    }
  }

  /** Every endpoint there is, as `hostPort` names it. */
  names(): ReadonlySet<string> {
    const names = new Set<string>();
    for (const { endpoints } of this.#services.values()) {
      for (const { address, port } of endpoints) names.add(hostPort(address, port));
    }
    return names;
  }

  /** `service`: its name. */
  of(service: string): readonly EndpointSnapshot[] {
    return this.#get(service).endpoints;
  }

  /** Why none of them is usable, in words; '' when nobody said. */
  why(service: string): string {
    return this.#get(service).why;
  }

  #get(service: string): ServiceEndpoints {
    return this.#services.get(service) ?? NONE;
  }
}

function isSame(before: readonly EndpointSnapshot[], after: readonly EndpointSnapshot[]): boolean {
  if (before.length !== after.length) return false;
  return before.every(({ address, port, slot }, at) => {
    const other = after[at];
    return other?.slot === slot && other.address === address && other.port === port;
  });
}
