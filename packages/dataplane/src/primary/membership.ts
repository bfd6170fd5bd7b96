/**
 * Which endpoints every service has now, which slot of the status board each of them has, and what the board says of it.
 *
 * Invariants: the board is written in the turn in which a status arrives, before any worker is told anything; workers are
 * told whole lists of services, and only when those change; an endpoint that is gone is `removed` on the board until its
 * slot is free. Whoever changes something ends with `commit`. Primary thread.
 */
import { discoverEndpoints, type NameAnswer } from '@sluice/shared/discovery/endpoints';
import { EndpointStatus, isUsable, PLANES, type StatusBoard } from '@sluice/shared/health/board';
import { tick } from '@sluice/shared/health/clock';
import type { EndpointRecord, HealthStatus } from '@sluice/shared/health/table';
import type { Logger } from '@sluice/shared/log';
import { endpointKey } from '@sluice/shared/snapshot/endpoint-key';
import type { LiveConnectionsSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { ServiceSnapshot } from '@sluice/shared/snapshot/snapshot';
import type { ServiceEndpoints, ToWorker } from '../worker/messages.js';
import { type Member, ServiceMembers } from './service-members.js';
import { Slots } from './slots.js';

/** An endpoint as its source knows it. */
export interface Found {
  /** Canonical text form, without brackets. */
  readonly address: string;
  readonly port: number;
  readonly status: HealthStatus;
  /** What the bus says of it; null: nothing. */
  readonly record: EndpointRecord | null;
}

export interface MembershipOptions {
  readonly services: readonly ServiceSnapshot[];
  readonly board: StatusBoard;
  readonly log: Logger;
  /** Tells every worker. */
  readonly post: (message: ToWorker) => void;
  /** The oldest revision that a worker may still choose by. */
  readonly seen: () => number;
  /** An endpoint's status on the board has changed. */
  readonly onStatus: (slot: number, status: EndpointStatus, policy: LiveConnectionsSnapshot) => void;
  /** A slot has no endpoint any more. */
  readonly onFree: (slot: number) => void;
}

const NO_ANSWER: NameAnswer = { addresses: null, why: '', settled: false };
/** Planes of what was observed of an endpoint: its status is written once, by what is known now. */
const OBSERVED = PLANES.filter((plane) => plane !== 'status');

export class Membership {
  readonly #options: Omit<MembershipOptions, 'services'>;
  readonly #board: StatusBoard;
  readonly #services = new Map<string, ServiceMembers>();
  readonly #slots: Slots;
  readonly #changed = new Set<ServiceMembers>();
  /** Services that are gone, and of which workers have not been told so. */
  #gone: string[] = [];
  /** Endpoints without a slot, by key. */
  readonly #leftOut = new Map<string, { service: ServiceMembers; found: Found }>();
  /** Services about whose endpoints without a slot something has been logged. */
  readonly #complained = new Set<ServiceMembers>();
  #revision = 0;

  constructor({ services, ...options }: MembershipOptions) {
    const { board, seen, onFree } = options;
    this.#options = options;
    this.#board = board;
    this.#slots = new Slots({ capacity: board.capacity, active: (slot) => board.active(slot), seen, onFree });
    this.configure(services);
    this.commit();
  }

  /** Names of all services, those without an endpoint included. */
  get services(): readonly string[] {
    return [...this.#services.keys()];
  }

  /** What a new worker has to know, and the revision that this is. */
  get lists(): readonly ServiceEndpoints[] {
    return [...this.#services.values()].map(({ list }) => list);
  }

  get revision(): number {
    return this.#revision;
  }

  /** Endpoints that got no slot. */
  get leftOut(): number {
    return this.#leftOut.size;
  }

  *members(): Iterable<Member> {
    for (const service of this.#services.values()) yield* service.members;
  }

  membersOf(service: string): Iterable<Member> {
    return this.#services.get(service)?.members ?? [];
  }

  /** Services of a configuration: new ones begin with the addresses that it has, others go by its policies from now on. */
  configure(services: readonly ServiceSnapshot[]): void {
    for (const service of services) {
      const known = this.#services.get(service.name);
      if (known === undefined) this.#begin(service);
      else if (known.configure(service)) this.#renew(known);
    }
  }

  /** These services are gone, and so are their endpoints. No worker may go by a configuration that has them. */
  retire(names: readonly string[]): void {
    for (const name of names) {
      const service = this.#services.get(name);
      if (service === undefined) continue;
      for (const { key } of [...service.members]) this.#remove(service, key);
      for (const [key, entry] of this.#leftOut) if (entry.service === service) this.#leftOut.delete(key);
      this.#services.delete(name);
      this.#changed.delete(service);
      this.#complained.delete(service);
      this.#gone.push(name);
    }
  }

  /** The endpoints of a service are these and no others. `note`: why there is none, in words. Other services' are ignored. */
  replace(name: string, endpoints: readonly Found[], note = ''): void {
    const service = this.#services.get(name);
    if (service === undefined) return;
    const keys = new Set(endpoints.map(({ address, port }) => endpointKey(name, address, port)));
    for (const { key } of [...service.members]) {
      if (!keys.has(key)) this.#remove(service, key);
    }
    for (const [key, entry] of this.#leftOut) {
      if (entry.service === service && !keys.has(key)) this.#leftOut.delete(key);
    }
    for (const found of endpoints) this.#put(service, found);
    service.note = note;
    this.#changed.add(service);
  }

  /** What joins the service from now on is new: before, it was only not known yet. */
  settle(name: string): void {
    const service = this.#services.get(name);
    if (service !== undefined) service.settled = true;
  }

  /** One endpoint of a service is there, and this is what is known of it. */
  put(name: string, found: Found): void {
    const service = this.#services.get(name);
    if (service !== undefined) this.#put(service, found);
  }

  /** One endpoint of a service is gone. */
  remove(name: string, key: string): void {
    const service = this.#services.get(name);
    if (service !== undefined) this.#remove(service, key);
  }

  /** Tells the workers what has changed since the last time. */
  commit(): void {
    const services = [...this.#changed].filter((service) => service.refresh());
    if (this.#leftOut.size > 0 || this.#complained.size > 0)
      for (const service of this.#changed) this.#complain(service);
    this.#changed.clear();
    // What went and came between two commits is there.
    const gone = this.#gone.filter((name) => !this.#services.has(name));
    this.#gone = [];
    if (services.length === 0 && gone.length === 0) return;
    this.#revision += 1;
    this.#options.post({
      type: 'membership',
      revision: this.#revision,
      services: services.map(({ list }) => list),
      gone,
    });
  }

  /** Frees slots and gives them to endpoints that wait for one. To be called now and then. */
  sweep(): void {
    if (this.#slots.sweep() === 0 || this.#leftOut.size === 0) return;
    for (const [key, { service, found }] of [...this.#leftOut]) {
      this.#put(service, found);
      if (this.#leftOut.has(key)) break;
    }
    this.commit();
  }

  #begin(service: ServiceSnapshot): void {
    const members = new ServiceMembers(service);
    this.#services.set(service.name, members);
    const { endpoints } = discoverEndpoints(service.targets, () => NO_ANSWER);
    for (const { address, port, draining } of endpoints) {
      this.#put(members, { address, port, status: draining ? 'draining' : 'unknown', record: null });
    }
    this.#changed.add(members);
  }

  /** Another policy counts for what is unhealthy or draining already, too. */
  #renew({ members, snapshot }: ServiceMembers): void {
    for (const { slot, status } of members) this.#options.onStatus(slot, status, snapshot.liveConnections);
  }

  #put(service: ServiceMembers, found: Found): void {
    const key = endpointKey(service.name, found.address, found.port);
    const member = service.get(key);
    if (member === undefined) this.#add(service, key, found);
    else this.#update(service, member, found);
    this.#changed.add(service);
  }

  #add(service: ServiceMembers, key: string, found: Found): void {
    const slot = this.#slots.take(key);
    if (slot === undefined) {
      this.#leftOut.set(key, { service, found });
      return;
    }
    this.#leftOut.delete(key);
    const { address, port, record } = found;
    const status = EndpointStatus[found.status];
    for (const plane of OBSERVED) Atomics.store(this.#board.planes[plane], slot, 0);
    // What a service begins with has nobody to be slower than.
    if (service.settled && isUsable(status)) Atomics.store(this.#board.planes.since, slot, tick());
    service.add({ key, service: service.name, address, port, slot, status, why: record?.why ?? '', record });
    this.#write(service, slot, status);
  }

  #update(service: ServiceMembers, member: Member, { status: name, record }: Found): void {
    const status = EndpointStatus[name];
    member.record = record;
    member.why = record?.why ?? '';
    if (status === member.status) return;
    const usable = isUsable(status);
    if (usable !== isUsable(member.status)) {
      Atomics.store(this.#board.planes.since, member.slot, usable ? tick() : 0);
    }
    service.setStatus(member, status);
    this.#write(service, member.slot, status);
  }

  #remove(service: ServiceMembers, key: string): void {
    this.#leftOut.delete(key);
    const member = service.get(key);
    if (member === undefined) return;
    this.#write(service, member.slot, EndpointStatus.removed);
    service.delete(member);
    this.#slots.leave(key, this.#revision + 1);
    this.#changed.add(service);
  }

  #write(service: ServiceMembers, slot: number, status: EndpointStatus): void {
    this.#board.setStatus(slot, status);
    this.#options.onStatus(slot, status, service.snapshot.liveConnections);
  }

  /** Once for each service, until all of its endpoints have a slot. */
  #complain(service: ServiceMembers): void {
    let endpoints = 0;
    for (const entry of this.#leftOut.values()) if (entry.service === service) endpoints += 1;
    if (endpoints === 0) this.#complained.delete(service);
    if (endpoints === 0 || this.#complained.has(service)) return;
    this.#complained.add(service);
    const detail = { service: service.name, leftOut: endpoints, endpointsMax: this.#board.capacity };
    this.#options.log.error(detail, 'endpoints are left out: all slots are in use; raise --endpoints-max');
  }
}
