import { createBoard, EndpointStatus, type StatusBoard } from '@sluice/shared/health/board';
import type { Snapshot } from '@sluice/shared/snapshot/snapshot';
import { aBackend, aRule, aService, aSnapshot, viewOf } from '@sluice/shared/testing/snapshots';
import { describe, expect, it } from 'vitest';
import { configuredEndpoints } from '../testing/configured-endpoints.js';
import { type Balancer, createBalancer as create, type EndpointChoice } from './balancer.js';
import { EndpointSets } from './endpoints.js';
import { isRefusal, type Refusal } from './refusal.js';

type Weights = readonly (readonly [service: number, weight: number])[];

/** Services with so many endpoints each, numbered through, and one rule. */
function snapshot(endpoints: readonly number[], backends: Weights): Snapshot {
  let slot = 0;
  const services = endpoints.map((count, index) =>
    aService(`d/s${index}/80`, {
      targets: Array.from({ length: count }, () => ({
        type: 'address' as const,
        host: '10.0.0.1',
        port: 1000 + slot++,
        draining: false,
      })),
    }),
  );
  const rule = aRule('d/r', { backends: backends.map(([service, weight]) => aBackend(service, weight)) });
  return aSnapshot({ rules: [rule], services });
}

function createBalancer(config: Snapshot, status: StatusBoard, seed: number): Balancer {
  return create({ snapshot: viewOf(config), sets: new EndpointSets(configuredEndpoints(config)), board: status, seed });
}

function board(): StatusBoard {
  return createBoard(64, 1);
}

/** How often each result comes in so many picks: slots by `of`, refusals by code. */
function counts(balancer: Balancer, picks: number, of: (choice: EndpointChoice) => number): Record<string, number> {
  const result: Record<string, number> = {};
  for (let left = picks; left > 0; left--) {
    const choice = balancer.pick(0, [], '192.0.2.1');
    const key = isRefusal(choice) ? choice.code : String(of(choice));
    result[key] = (result[key] ?? 0) + 1;
  }
  return result;
}
const bySlot = ({ endpoint }: EndpointChoice): number => endpoint.slot;
const byService = ({ service }: EndpointChoice): number => service;

describe('weights', () => {
  it.each<[string, Weights, number, Record<string, number>]>([
    [
      'are exact over a period',
      [
        [0, 5],
        [1, 1],
        [2, 2],
      ],
      8,
      { 0: 5, 1: 1, 2: 2 },
    ],
    [
      'are exact for big numbers',
      [
        [0, 900_000],
        [1, 100_000],
      ],
      1000,
      { 0: 900, 1: 100 },
    ],
    [
      'of 0 get nothing',
      [
        [0, 0],
        [1, 3],
      ],
      10,
      { 1: 10 },
    ],
    [
      'that are all 0 answer 500',
      [
        [0, 0],
        [1, 0],
      ],
      3,
      { 'backend-unresolved': 3 },
    ],
    ['of nothing answer 500', [], 3, { 'backend-unresolved': 3 }],
    [
      'of an unresolved reference answer 500 for its share',
      [
        [-1, 1],
        [1, 3],
      ],
      8,
      { 'backend-unresolved': 2, 1: 6 },
    ],
    [
      'of a service without endpoints answer 503 for its share',
      [
        [0, 1],
        [3, 1],
      ],
      8,
      { 0: 4, 'no-endpoint': 4 },
    ],
  ])('%s', (_, weights, picks, expected) => {
    for (const seed of [0, 1, 2, 7, -3, 1e9 + 0.5]) {
      const balancer = createBalancer(snapshot([2, 2, 2, 0], weights), board(), seed);
      expect(counts(balancer, picks, byService)).toEqual(expected);
    }
  });

  it('are spread smoothly, not in runs', () => {
    const balancer = createBalancer(
      snapshot(
        [1, 1],
        [
          [0, 3],
          [1, 3],
        ],
      ),
      board(),
      0,
    );
    const services = Array.from({ length: 6 }, () => (balancer.pick(0, [], '192.0.2.1') as EndpointChoice).service);
    expect(services).toEqual([0, 1, 0, 1, 0, 1]);
  });
});

describe('endpoints', () => {
  it('get turns that differ by at most one', () => {
    const balancer = createBalancer(snapshot([3], [[0, 1]]), board(), 0);
    expect(counts(balancer, 10, bySlot)).toEqual({ 0: 4, 1: 3, 2: 3 });
  });

  it('are begun with at another place by each worker', () => {
    const first = [0, 1, 2, 3].map((seed) => {
      const balancer = createBalancer(snapshot([3], [[0, 1]]), board(), seed);
      return (balancer.pick(0, [], '192.0.2.1') as EndpointChoice).endpoint.slot;
    });
    expect(first).toEqual([0, 1, 2, 0]);
  });

  it('that are unhealthy get nothing, and the others share evenly', () => {
    const status = board();
    const balancer = createBalancer(snapshot([4], [[0, 1]]), status, 0);
    status.setStatus(1, EndpointStatus.unhealthy);
    status.setStatus(2, EndpointStatus.healthy);
    expect(counts(balancer, 9, bySlot)).toEqual({ 0: 3, 2: 3, 3: 3 });
    for (const slot of [0, 2, 3]) status.setStatus(slot, EndpointStatus.unhealthy);
    expect((balancer.pick(0, [], '192.0.2.1') as Refusal).status).toBe(503);
    status.setStatus(3, EndpointStatus.unknown);
    expect(counts(balancer, 2, bySlot)).toEqual({ 3: 2 });
  });

  it('that failed are not tried again, and a retry stays in its service', () => {
    const balancer = createBalancer(
      snapshot(
        [3, 3],
        [
          [0, 1],
          [1, 1],
        ],
      ),
      board(),
      0,
    );
    const tried: number[] = [];
    const choice = balancer.pick(0, [], '192.0.2.1') as EndpointChoice;
    const { service } = choice;
    tried.push(choice.endpoint.slot);
    for (let left = 2; left > 0; left--) {
      const again = balancer.pickAgain(0, choice, tried) as EndpointChoice;
      expect(again.service).toBe(service);
      expect(tried).not.toContain(again.endpoint.slot);
      tried.push(again.endpoint.slot);
    }
    expect((balancer.pickAgain(0, choice, tried) as Refusal).code).toBe('no-endpoint');
    expect((balancer.pick(0, [], '192.0.2.1') as EndpointChoice).service).not.toBe(service);
  });
});
