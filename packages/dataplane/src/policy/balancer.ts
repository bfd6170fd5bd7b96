/**
 * The endpoint of a connection: a backendRef of the rule by weight, then an endpoint of its service by the service's
 * strategy; an affinity cookie that names a usable endpoint of the rule comes before both.
 *
 * Invariant: over each period of its weights a rule's backends get exactly their shares of what no cookie decided. Each
 * worker has its own balancer and starts elsewhere (`seed`). Only eligible endpoints are chosen (candidates.ts); ejected
 * ones when there is nothing else. Reads the status board, writes nothing; runs in the workers.
 */
import type { StatusBoard } from '@sluice/shared/health/board';
import { tick } from '@sluice/shared/health/clock';
import type { RuleSnapshot } from '@sluice/shared/snapshot/snapshot';
import type { SnapshotView } from '@sluice/shared/snapshot/view';
import type { EndpointSnapshot } from '../worker/messages.js';
import { cookieValue } from './affinity.js';
import { Candidates } from './balancing/candidates.js';
import { hashText } from './balancing/hash.js';
import { RingHash } from './balancing/ring-hash.js';
import { createStrategy, type Random, type Strategy } from './balancing/strategy.js';
import type { EndpointSets } from './endpoints.js';
import type { HeaderField } from './fields.js';
import { Refusal, refuse } from './refusal.js';
import { createServiceTurn, nextBackend, type ServiceTurn } from './service-turn.js';

export interface EndpointChoice {
  /** Position in `RuleSnapshot.backends`. */
  readonly backend: number;
  /** Index into `Snapshot.services`. */
  readonly service: number;
  readonly endpoint: EndpointSnapshot;
  /** The hash that it was chosen by; 0 where the strategy uses none. */
  readonly key: number;
  /** Value of the affinity cookie that the client sent; '' for none. */
  readonly presented: string;
  /** Value of the affinity cookie that the client is to get; '' when it has that one or the rule has no affinity. */
  readonly cookie: string;
}

/** 503: the service has no endpoint that may be chosen. */
export class Unserved extends Refusal {
  /** Index into `Snapshot.services`. */
  readonly service: number;

  constructor(service: number) {
    super('no-endpoint', undefined);
    this.service = service;
  }
}

export interface Balancer {
  /** The endpoint of a new connection. `fields`: of the request; `clientAddress`: as text. */
  pick(rule: number, fields: readonly HeaderField[], clientAddress: string): EndpointChoice | Refusal;
  /**
   * Another endpoint of the same service after a failed attempt, which does not draw a backendRef again; `tried`:
   * status-board slots that must not be chosen.
   */
  pickAgain(rule: number, choice: EndpointChoice, tried: readonly number[]): EndpointChoice | Refusal;
}

export interface BalancerOptions {
  readonly snapshot: SnapshotView;
  readonly sets: EndpointSets;
  readonly board: StatusBoard;
  /** The worker's index, or any other whole number that differs between workers. */
  readonly seed: number;
  readonly random?: Random;
  /** Tick of now; the clock's. */
  readonly now?: () => number;
}

/** What a choice is made for. */
type Wanted = Pick<EndpointChoice, 'backend' | 'service' | 'key' | 'presented'>;

const UNRESOLVED = refuse('backend-unresolved');
const NOT_TRIED: readonly number[] = [];

/** `backend`: position of the one that was chosen, -1: there is none to choose. */
function unresolved({ route, index }: RuleSnapshot, backend: number): Refusal {
  const rule = `rule ${index} of ${route}`;
  const why =
    backend < 0
      ? `${rule} has no backendRef with a weight`
      : `backendRefs[${backend}] of ${rule}; its condition ResolvedRefs says why`;
  return refuse('backend-unresolved', undefined, why);
}

export function createBalancer(options: BalancerOptions): Balancer {
  return new Chooser(options);
}

class Chooser implements Balancer {
  readonly #snapshot: SnapshotView;
  readonly #sets: EndpointSets;
  readonly #now: () => number;
  readonly #candidates: Candidates;
  readonly #phase: number;
  readonly #random: Random;
  /** Made when they are first asked for: a new snapshot costs nothing until it is used. */
  readonly #turns = new Map<number, ServiceTurn>();
  readonly #strategies = new Map<number, Strategy>();

  constructor({ snapshot, sets, board, seed, random = Math.random, now = tick }: BalancerOptions) {
    const phase = Math.abs(Math.trunc(seed));
    this.#snapshot = snapshot;
    this.#sets = sets;
    this.#now = now;
    this.#candidates = new Candidates(board);
    this.#phase = phase;
    this.#random = random;
  }

  pick(rule: number, fields: readonly HeaderField[], clientAddress: string): EndpointChoice | Refusal {
    const config = this.#snapshot.rule(rule);
    if (config === undefined) return UNRESOLVED;
    const presented = config.affinity === null ? '' : cookieValue(fields, config.affinity.cookie);
    const kept = presented === '' ? undefined : this.#keep(config, presented);
    if (kept !== undefined) return kept;
    const backend = nextBackend(this.#turn(rule, config));
    const service = config.backends[backend]?.service ?? -1;
    if (service < 0) return unresolved(config, backend);
    const key = this.#key(service, presented, fields, clientAddress);
    return this.#choose(rule, { backend, service, key, presented }, NOT_TRIED);
  }

  pickAgain(rule: number, choice: EndpointChoice, tried: readonly number[]): EndpointChoice | Refusal {
    return this.#choose(rule, choice, tried);
  }

  #choose(rule: number, wanted: Wanted, tried: readonly number[]): EndpointChoice | Refusal {
    const { backend, service, key, presented } = wanted;
    const strategy = this.#strategy(service);
    if (strategy === undefined) return UNRESOLVED;
    const candidates = this.#candidates;
    candidates.begin(this.#endpoints(service), tried, this.#now());
    let at = strategy.pick(candidates, key);
    if (at < 0) {
      candidates.admitEjected();
      at = strategy.pick(candidates, key);
    }
    if (at < 0) return new Unserved(service);
    const endpoint = candidates.endpoints[at] as EndpointSnapshot;
    const sticky = strategy instanceof RingHash && this.#snapshot.rule(rule)?.affinity != null;
    const id = sticky ? strategy.id(at) : '';
    return { backend, service, endpoint, key, presented, cookie: id === presented ? '' : id };
  }

  /** The endpoint that an affinity cookie names, of any service of the rule that gets requests at all. */
  #keep({ backends }: RuleSnapshot, presented: string): EndpointChoice | undefined {
    for (const [backend, { service, weight }] of backends.entries()) {
      const strategy = this.#strategy(service);
      if (weight === 0 || !(strategy instanceof RingHash)) continue;
      const endpoints = this.#endpoints(service);
      const at = strategy.find(endpoints, presented);
      if (at < 0) continue;
      this.#candidates.begin(endpoints, NOT_TRIED, this.#now());
      if (!this.#candidates.eligible(at)) return undefined;
      const endpoint = endpoints[at] as EndpointSnapshot;
      return { backend, service, endpoint, key: hashText(presented), presented, cookie: '' };
    }
    return undefined;
  }

  #turn(rule: number, { backends }: RuleSnapshot): ServiceTurn {
    let turn = this.#turns.get(rule);
    if (turn === undefined) {
      turn = createServiceTurn(backends, this.#phase);
      this.#turns.set(rule, turn);
    }
    return turn;
  }

  #strategy(service: number): Strategy | undefined {
    const known = this.#strategies.get(service);
    if (known !== undefined) return known;
    const config = this.#snapshot.service(service);
    if (config === undefined) return undefined;
    const strategy = createStrategy(config.balancing, config.name, this.#phase, this.#random);
    this.#strategies.set(service, strategy);
    return strategy;
  }

  /** What a ring is asked with: the cookie, else the header, else the client's address. */
  #key(service: number, presented: string, fields: readonly HeaderField[], clientAddress: string): number {
    const balancing = this.#snapshot.service(service)?.balancing;
    if (balancing?.strategy !== 'ring-hash') return 0;
    if (presented !== '') return hashText(presented);
    const value = balancing.header === '' ? '' : headerValue(fields, balancing.header);
    return hashText(value === '' ? clientAddress : value);
  }

  #endpoints(service: number): readonly EndpointSnapshot[] {
    return this.#sets.of(this.#snapshot.serviceName(service));
  }
}

/** Value of the first field with this lower-case name; '' when there is none. */
function headerValue(fields: readonly HeaderField[], lowerName: string): string {
  for (const field of fields) if (field.lowerName === lowerName) return field.value;
  return '';
}
