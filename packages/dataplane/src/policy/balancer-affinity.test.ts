import { createBoard, EndpointStatus } from '@sluice/shared/health/board';
import type { BalancingSnapshot } from '@sluice/shared/snapshot/service-policy';
import { aBackend, aRule, aService, aSnapshot, viewOf } from '@sluice/shared/testing/snapshots';
import { describe, expect, it } from 'vitest';
import { type Balancer, createBalancer, type EndpointChoice, Unserved } from './balancer.js';
import { endpointId } from './balancing/hash.js';
import { endpointList, seeded } from './balancing/testing.js';
import { EndpointSets } from './endpoints.js';
import { HEAD_LIMITS, type HeaderField, parseRequestHead } from './head.js';
import { isRefusal } from './refusal.js';

const RING: BalancingSnapshot = { strategy: 'ring-hash', header: '' };
const NOW = 1000;

interface SceneOptions {
  readonly balancing?: BalancingSnapshot;
  readonly affinity?: boolean;
  readonly weights?: readonly [number, number];
}

/** Service d/a/80 in slots 0 to 4, d/b/80 in 5 to 9; a rule over both by weight. */
function createScene({ balancing = RING, affinity = true, weights = [1, 0] }: SceneOptions = {}) {
  const backends = weights.map((weight, index) => aBackend(index, weight));
  const cookie = affinity ? { cookie: 'AGCAffinity', maxAgeS: 86_400 } : null;
  const snapshot = viewOf(
    aSnapshot({
      rules: [aRule('d/r', { backends, affinity: cookie })],
      services: [aService('d/a/80', { balancing }), aService('d/b/80', { balancing })],
    }),
  );
  const sets = new EndpointSets([
    { service: 'd/a/80', endpoints: endpointList(5), why: '' },
    { service: 'd/b/80', endpoints: endpointList(5, 5), why: '' },
  ]);
  const board = createBoard(32, 1);
  const create = (seed: number): Balancer =>
    createBalancer({ snapshot, sets, board, seed, random: seeded(seed), now: () => NOW });
  return { sets, board, create, balancer: create(0) };
}

function fields(lines: Readonly<Record<string, string>>): readonly HeaderField[] {
  const text = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = parseRequestHead(`GET / HTTP/1.1\r\nHost: a\r\n${text.join('')}\r\n`, HEAD_LIMITS);
  if (isRefusal(head)) throw new Error(head.code);
  return head.fields;
}

function pick(balancer: Balancer, lines: Readonly<Record<string, string>> = {}, from = '192.0.2.1'): EndpointChoice {
  const choice = balancer.pick(0, fields(lines), from);
  if (isRefusal(choice)) throw new Error(choice.code);
  return choice;
}

const ID_3 = endpointId('d/a/80', '10.0.0.3', 80);
const ID_7 = endpointId('d/b/80', '10.0.0.7', 80);
const cookie = (value: string) => ({ Cookie: `theme=dark; AGCAffinity=${value}` });
const CLIENTS = Array.from({ length: 60 }, (_, index) => `198.51.100.${index}`);

describe('an affinity cookie', () => {
  it('is given with a first answer, and names the endpoint', () => {
    const { balancer } = createScene();
    const { endpoint, presented, cookie: given } = pick(balancer);
    expect(presented).toBe('');
    expect(given).toBe(endpointId('d/a/80', endpoint.address, endpoint.port));
  });

  it('that names a usable endpoint decides, for every client and worker, and is not given again', () => {
    const { create } = createScene();
    for (const from of CLIENTS) {
      for (const seed of [0, 1, 2]) {
        expect(pick(create(seed), cookie(ID_3), from)).toMatchObject({ endpoint: { slot: 3 }, cookie: '' });
      }
    }
  });

  it('still decides when endpoints come and others go', () => {
    const { balancer, sets } = createScene();
    for (const endpoints of [endpointList(12), endpointList(2, 2), endpointList(1, 3)]) {
      sets.update([{ service: 'd/a/80', endpoints, why: '' }]);
      for (const from of CLIENTS) expect(pick(balancer, cookie(ID_3), from).endpoint.slot).toBe(3);
    }
  });

  it('that names none is what is hashed, whoever sends it, and another is given', () => {
    const { create } = createScene();
    const chosen = CLIENTS.map((from, index) => pick(create(index), cookie('0123456789abcdef'), from));
    expect(new Set(chosen.map(({ endpoint }) => endpoint.slot)).size).toBe(1);
    for (const { endpoint, cookie: given } of chosen) {
      expect(given).toBe(endpointId('d/a/80', endpoint.address, endpoint.port));
    }
  });

  it.each([EndpointStatus.unhealthy, EndpointStatus.draining, EndpointStatus.removed])(
    'that names an endpoint in status %i is replaced',
    (status) => {
      const { balancer, board } = createScene();
      board.setStatus(3, status);
      const { endpoint, cookie: given } = pick(balancer, cookie(ID_3));
      expect(endpoint.slot).not.toBe(3);
      expect(given).toBe(endpointId('d/a/80', endpoint.address, endpoint.port));
    },
  );

  it('that names an ejected endpoint is replaced, unless there is nothing else', () => {
    const { balancer, board } = createScene();
    Atomics.store(board.planes.ejectedUntil, 3, NOW + 1);
    expect(pick(balancer, cookie(ID_3)).endpoint.slot).not.toBe(3);
    for (const slot of [0, 1, 2, 4]) board.setStatus(slot, EndpointStatus.unhealthy);
    expect(pick(balancer, cookie(ID_3))).toMatchObject({ endpoint: { slot: 3 }, cookie: '' });
  });

  it('keeps the service as well, and costs the others no turn', () => {
    const { balancer } = createScene({ weights: [1, 1] });
    const services = CLIENTS.slice(0, 8).flatMap((from) => {
      expect(pick(balancer, cookie(ID_7), from)).toMatchObject({ service: 1, endpoint: { slot: 7 }, cookie: '' });
      return pick(balancer, {}, from).service;
    });
    expect(services).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
  });

  it('does not keep a service whose weight is 0', () => {
    const { balancer } = createScene({ weights: [1, 0] });
    expect(pick(balancer, cookie(ID_7)).service).toBe(0);
  });

  it('means nothing to a rule without affinity, or to a strategy that hashes nothing', () => {
    const without = createScene({ affinity: false });
    expect(pick(without.balancer, cookie(ID_3))).toMatchObject({ presented: '', cookie: '' });
    const turns = createScene({ balancing: { strategy: 'round-robin', slowStart: null } });
    const slots = [1, 2, 3].map(() => pick(turns.balancer, cookie(ID_3)).endpoint.slot);
    expect(slots).toEqual([0, 1, 2]);
    expect(pick(turns.balancer).cookie).toBe('');
  });

  it('of an endpoint that failed is replaced by that of the next', () => {
    const { balancer } = createScene();
    const first = pick(balancer, cookie(ID_3));
    const again = balancer.pickAgain(0, first, [3]) as EndpointChoice;
    expect(again.endpoint.slot).not.toBe(3);
    expect(again.cookie).toBe(endpointId('d/a/80', again.endpoint.address, 80));
  });
});

describe('without a cookie', () => {
  it('the header is hashed, else the client’s address', () => {
    const { create } = createScene({ affinity: false, balancing: { strategy: 'ring-hash', header: 'x-user' } });
    const slots = (lines: (from: string) => Readonly<Record<string, string>>): number[] =>
      CLIENTS.map((from, seed) => pick(create(seed), lines(from), from).endpoint.slot);
    expect(new Set(slots(() => ({ 'X-User': 'alice' }))).size).toBe(1);
    const spread = slots(() => ({}));
    expect(new Set(spread).size).toBe(5);
    expect(slots(() => ({ 'X-User': '' }))).toEqual(spread);
    expect(slots((from) => ({ 'X-User': from }))).toEqual(spread);
  });
});

describe('ejected endpoints', () => {
  const strategies: BalancingSnapshot[] = [
    { strategy: 'round-robin', slowStart: null },
    { strategy: 'round-robin', slowStart: { windowMs: 1000, aggression: 1, startWeightPercent: 10 } },
    { strategy: 'least-request', slowStart: null },
    RING,
    {
      strategy: 'load-aware',
      blackoutPeriodMs: 0,
      metricExpirationPeriodMs: 1000,
      errorUtilizationPenalty: 1,
      namedMetrics: [],
    },
  ];

  it.each(strategies)('get nothing while there are others, everything when there are none: $strategy', (balancing) => {
    const { balancer, board } = createScene({ balancing, affinity: false });
    const slots = () => new Set(CLIENTS.map((from) => pick(balancer, {}, from).endpoint.slot));
    for (const slot of [0, 1]) Atomics.store(board.planes.ejectedUntil, slot, NOW + 10);
    Atomics.store(board.planes.ejectedUntil, 2, NOW);
    expect(slots()).toEqual(new Set([2, 3, 4]));
    for (const slot of [2, 3, 4]) board.setStatus(slot, EndpointStatus.unhealthy);
    expect(slots()).toEqual(new Set([0, 1]));
    for (const slot of [0, 1]) board.setStatus(slot, EndpointStatus.unhealthy);
    const refusal = balancer.pick(0, [], '192.0.2.1');
    expect(refusal).toBeInstanceOf(Unserved);
    expect(refusal).toMatchObject({ status: 503, code: 'no-endpoint', service: 0 });
  });

  it.each(strategies)('are read again at each attempt: $strategy', (balancing) => {
    const { balancer, board } = createScene({ balancing, affinity: false });
    const first = pick(balancer);
    const others = [0, 1, 2, 3, 4].filter((slot) => slot !== first.endpoint.slot);
    for (const slot of others.slice(1)) board.setStatus(slot, EndpointStatus.unhealthy);
    const again = balancer.pickAgain(0, first, [first.endpoint.slot]);
    expect(again).toMatchObject({ service: 0, endpoint: { slot: others[0] } });
  });
});
