/**
 * A slot's life under random changes: workers that hear late, connections that stay, engines without room for orders.
 *
 * Invariants: a worker never counts a connection under another endpoint's slot; a slot with a connection keeps its
 * endpoint; the board says what the membership says; when all is over, no slot and no order is left.
 */
import { createBoard } from '@sluice/shared/health/board';
import type { HealthStatus } from '@sluice/shared/health/table';
import { createLogger } from '@sluice/shared/log';
import type { LiveConnectionsSnapshot } from '@sluice/shared/snapshot/service-policy';
import { aService } from '@sluice/shared/testing/snapshots';
import { expect, test } from 'vitest';
import { seeded } from '../policy/balancing/testing.js';
import type { EndpointSnapshot, ToWorker } from '../worker/messages.js';
import { LiveConnections } from './live-connections.js';
import { type Found, Membership } from './membership.js';

const WORKERS = [0, 1];
/** Orders that an engine takes. */
const ROOM = 3;
const ADDRESSES = 9;
const log = createLogger({ level: 'silent', name: 'test' });
const liveConnections: LiveConnectionsSnapshot = {
  unhealthy: 'close',
  draining: 'drain',
  removed: 'close',
  drainDeadlineMs: 1000,
  closeWindowMs: 10,
};
const NAMES = ['a', 'b', 'c'];
const services = NAMES.map((name) => aService(name, { liveConnections }));
const STATUSES: readonly HealthStatus[] = ['healthy', 'unhealthy', 'draining', 'unknown'];

class World {
  readonly board;
  readonly membership: Membership;
  readonly live: LiveConnections;
  readonly queues: Extract<ToWorker, { type: 'membership' }>[][] = WORKERS.map(() => []);
  readonly lists = WORKERS.map(() => new Map<string, readonly EndpointSnapshot[]>());
  readonly seen = WORKERS.map(() => 0);
  readonly orders = WORKERS.map(() => new Set<number>());
  readonly connections: { worker: number; slot: number; key: string }[] = [];

  constructor(capacity: number) {
    this.board = createBoard(capacity, WORKERS.length);
    const { orders, queues } = this;
    const native = {
      engineEndEndpoint: (engine: number, slot: number) => {
        const taken = orders[engine];
        if (taken === undefined || (taken.size >= ROOM && !taken.has(slot))) throw new Error('no room');
        taken.add(slot);
      },
      engineKeepEndpoint: (engine: number, slot: number) => void orders[engine]?.delete(slot),
    };
    this.live = new LiveConnections({ native, engines: WORKERS, post: () => {}, log });
    this.membership = new Membership({
      services,
      board: this.board,
      log,
      post: (message) => {
        for (const queue of queues) if (message.type === 'membership') queue.push(message);
      },
      seen: () => Math.min(...this.seen),
      onStatus: (slot, status, policy) => this.live.onStatus(slot, status, policy),
      onFree: (slot) => this.live.forget(slot),
    });
  }

  hear(worker: number): void {
    const message = this.queues[worker]?.shift();
    if (message === undefined) return;
    for (const { service, endpoints } of message.services) this.lists[worker]?.set(service, endpoints);
    this.seen[worker] = message.revision;
  }

  owner(slot: number): string | undefined {
    const member = [...this.membership.members()].find((each) => each.slot === slot);
    return member && `${member.service}/${member.address}`;
  }

  connect(worker: number, name: string, at: number): void {
    const list = this.lists[worker]?.get(name) ?? [];
    const endpoint = list[at % Math.max(1, list.length)];
    if (endpoint === undefined || this.board.status(endpoint.slot) > 1) return;
    const { slot, address } = endpoint;
    this.connections.push({ worker, slot, key: `${name}/${address}` });
    Atomics.add(this.board.column(worker), slot, 1);
  }

  disconnect(at: number): void {
    const [ended] = this.connections.splice(at % Math.max(1, this.connections.length), 1);
    if (ended !== undefined) Atomics.sub(this.board.column(ended.worker), ended.slot, 1);
  }

  check(): void {
    for (const { slot, key } of this.connections) expect([key, undefined]).toContain(this.owner(slot));
    const members = [...this.membership.members()];
    expect(new Set(members.map(({ slot }) => slot)).size).toBe(members.length);
    for (const { slot, status } of members) expect(this.board.status(slot)).toBe(status);
  }

  end(): void {
    for (const name of NAMES) this.membership.replace(name, []);
    this.membership.commit();
    for (const worker of WORKERS) while ((this.queues[worker]?.length ?? 0) > 0) this.hear(worker);
    while (this.connections.length > 0) this.disconnect(0);
    this.membership.sweep();
    this.live.retry();
  }
}

test.each([1, 2, 3, 4])('seed %i', (seed) => {
  const random = seeded(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const found = (index: number): Found => {
    return { address: `10.0.0.${index}`, port: 80, status: STATUSES[below(4)] ?? 'unknown', record: null };
  };
  for (let run = 0; run < 20; run++) {
    const capacity = 6 + below(6);
    const world = new World(capacity);
    const { membership } = world;
    const steps = [
      (name: string) => membership.replace(name, [...new Set([below(9), below(9), below(9)])].map(found)),
      (name: string) => membership.put(name, found(below(ADDRESSES))),
      (name: string) => membership.remove(name, `${name}/10.0.0.${below(ADDRESSES)}:80`),
      () => membership.sweep(),
      () => world.live.retry(),
      () => world.hear(below(2)),
      () => world.hear(below(2)),
      (name: string) => world.connect(below(2), name, below(ADDRESSES)),
      (name: string) => world.connect(below(2), name, below(ADDRESSES)),
      () => world.disconnect(below(100)),
    ];
    for (let step = 0; step < 150; step++) {
      steps[below(steps.length)]?.(NAMES[below(3)] ?? '');
      membership.commit();
      world.check();
    }
    world.end();
    expect(world.orders.map(({ size }) => size)).toEqual([0, 0]);
    for (let index = 0; index < capacity; index++) membership.put('a', { ...found(index), address: `10.9.0.${index}` });
    expect(membership.leftOut).toBe(0);
  }
});
