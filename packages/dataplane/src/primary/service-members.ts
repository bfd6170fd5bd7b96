/**
 * The endpoints of one service: which there are, how many of them are usable, and, when none is, why.
 *
 * The list that workers get is made anew only when it has changed. Primary thread.
 */
import { EndpointStatus, isUsable } from '@sluice/shared/health/board';
import type { EndpointRecord } from '@sluice/shared/health/table';
import type { ServiceSnapshot } from '@sluice/shared/snapshot/snapshot';
import type { ServiceEndpoints } from '../worker/messages.js';
import type { EndpointView } from './health-view.js';

/** Reasons that a client's log record may name. */
const REASONS_MAX = 3;
const REASON_LENGTH_MAX = 160;

/** An endpoint and its slot. `status` is what the board says. */
export interface Member extends EndpointView {
  readonly key: string;
  status: EndpointStatus;
  why: string;
  record: EndpointRecord | null;
}

const WORDS: Partial<Record<EndpointStatus, string>> = {
  [EndpointStatus.unhealthy]: 'unhealthy',
  [EndpointStatus.draining]: 'draining',
};

export class ServiceMembers {
  readonly #members = new Map<string, Member>();
  #snapshot: ServiceSnapshot;
  #usable = 0;
  #stale = true;
  #list: ServiceEndpoints;
  /** All that it began with is known: what joins now is new. */
  settled = false;
  /** Why there is no endpoint, in words; '' when nobody said. */
  note = '';

  constructor(snapshot: ServiceSnapshot) {
    this.#snapshot = snapshot;
    this.#list = { service: snapshot.name, endpoints: [], why: '' };
  }

  get snapshot(): ServiceSnapshot {
    return this.#snapshot;
  }

  /** The service as a newer configuration has it. Whether what becomes of live connections has changed. */
  configure(snapshot: ServiceSnapshot): boolean {
    const before = JSON.stringify(this.#snapshot.liveConnections);
    this.#snapshot = snapshot;
    return JSON.stringify(snapshot.liveConnections) !== before;
  }

  get name(): string {
    return this.snapshot.name;
  }

  get members(): Iterable<Member> {
    return this.#members.values();
  }

  get(key: string): Member | undefined {
    return this.#members.get(key);
  }

  add(member: Member): void {
    this.#members.set(member.key, member);
    if (isUsable(member.status)) this.#usable += 1;
    this.#stale = true;
  }

  delete(member: Member): void {
    if (!this.#members.delete(member.key)) return;
    if (isUsable(member.status)) this.#usable -= 1;
    this.#stale = true;
  }

  setStatus(member: Member, status: EndpointStatus): void {
    this.#usable += Number(isUsable(status)) - Number(isUsable(member.status));
    member.status = status;
  }

  /** What workers have to know. */
  get list(): ServiceEndpoints {
    return this.#list;
  }

  /** Brings `list` up to date; false when it says the same as before. */
  refresh(): boolean {
    const why = this.#why();
    if (!this.#stale && why === this.#list.why) return false;
    const endpoints = this.#stale
      ? [...this.#members.values()].map(({ address, port, slot }) => ({ address, port, slot }))
      : this.#list.endpoints;
    this.#stale = false;
    this.#list = { service: this.name, endpoints, why };
    return true;
  }

  #why(): string {
    if (this.#usable > 0) return '';
    if (this.#members.size === 0) return this.note.slice(0, REASON_LENGTH_MAX);
    const reasons = new Set<string>();
    for (const { status, why } of this.#members.values()) {
      reasons.add(why.slice(0, REASON_LENGTH_MAX) || (WORDS[status] ?? 'not usable'));
      if (reasons.size === REASONS_MAX) break;
    }
    return [...reasons].join('; ');
  }
}
