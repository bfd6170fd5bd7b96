import { EndpointStatus } from '@sluice/shared/health/board';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COMPARE_ALL_MAX, LeastRequest } from './least-request.js';
import { createScene, type Scene, seeded } from './testing.js';

function open(scene: Scene, slot: number, connections: number, worker = 0): void {
  scene.board.column(worker)[slot] = connections;
}

describe('least request', () => {
  it('never takes a busier endpoint of up to 16, counting over all workers', () => {
    const load = fc.record({ mine: fc.nat(20), others: fc.nat(20), usable: fc.boolean() });
    const loads = fc.array(load, { minLength: 1, maxLength: COMPARE_ALL_MAX });
    fc.assert(
      fc.property(loads, fc.nat(), (endpoints, seed) => {
        const scene = createScene(endpoints.length);
        endpoints.forEach(({ mine, others, usable }, slot) => {
          open(scene, slot, mine, 0);
          open(scene, slot, others, 1);
          if (!usable) scene.board.setStatus(slot, EndpointStatus.unhealthy);
        });
        const totals = endpoints.filter(({ usable }) => usable).map(({ mine, others }) => mine + others);
        const slot = scene.pick(new LeastRequest(null, seeded(seed)));
        if (totals.length === 0) expect(slot).toBe(-1);
        else expect(scene.board.active(slot)).toBe(Math.min(...totals));
        if (slot >= 0) expect(endpoints[slot]?.usable).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('draws among equals, each as likely', () => {
    const scene = createScene(5);
    open(scene, 4, 1);
    const counts = scene.counts(new LeastRequest(null, seeded(7)), 4000);
    expect(counts[4]).toBe(0);
    for (const slot of [0, 1, 2, 3]) expect(Math.abs((counts[slot] as number) - 1000)).toBeLessThan(150);
  });

  it('keeps counts within one of each other while connections come', () => {
    const scene = createScene(10);
    const strategy = new LeastRequest(null, seeded(3));
    for (let left = 1000; left > 0; left--) {
      const column = scene.board.column(0);
      const slot = scene.pick(strategy);
      column[slot] = (column[slot] as number) + 1;
    }
    const counts = scene.endpoints.map(({ slot }) => scene.board.active(slot));
    expect(new Set(counts)).toEqual(new Set([100]));
  });

  it('of many takes the less busy of two drawn: the busiest of n never, the r-th least by (2(n-r)+1) of n squared', () => {
    const n = 20;
    const scene = createScene(n);
    for (let slot = 0; slot < n; slot++) open(scene, slot, slot);
    const picks = 40_000;
    const counts = scene.counts(new LeastRequest(null, seeded(11)), picks);
    expect(counts[n - 1]).toBe(0);
    // Two different ones are drawn: the one of rank r wins against the n - 1 - r that are busier.
    counts.forEach((count, rank) => {
      const expected = (2 * (n - 1 - rank) * picks) / (n * (n - 1));
      expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected + 1) + 1);
    });
  });

  it('of many finds the few that are usable, each as likely', () => {
    const scene = createScene(400);
    for (const { slot } of scene.endpoints) if (slot % 100 !== 7) scene.board.setStatus(slot, EndpointStatus.unhealthy);
    const counts = scene.counts(new LeastRequest(null, seeded(5)), 2000);
    for (const slot of [7, 107, 207, 307]) expect(Math.abs((counts[slot] as number) - 500)).toBeLessThan(120);
    for (const { slot } of scene.endpoints) scene.board.setStatus(slot, EndpointStatus.unhealthy);
    expect(scene.pick(new LeastRequest(null, seeded(5)))).toBe(-1);
    scene.board.setStatus(399, EndpointStatus.healthy);
    expect(scene.pick(new LeastRequest(null, seeded(5)))).toBe(399);
  });

  it('never takes one that was tried', () => {
    const scene = createScene(3);
    const strategy = new LeastRequest(null, seeded(5));
    expect(scene.pick(strategy, 0, [0, 2])).toBe(1);
    expect(scene.pick(strategy, 0, [0, 1, 2])).toBe(-1);
  });

  it('counts a connection to an endpoint in slow start as several', () => {
    const scene = createScene(2);
    const strategy = new LeastRequest({ windowMs: 10_000, aggression: 1, startWeightPercent: 10 }, seeded(5));
    Atomics.store(scene.board.planes.since, 0, scene.nowTick - 20); // weight 0.2: one connection there is as five
    open(scene, 1, 3);
    expect(scene.pick(strategy)).toBe(1);
    open(scene, 1, 5);
    expect(scene.pick(strategy)).toBe(0);
    scene.nowTick += 100;
    open(scene, 0, 2);
    open(scene, 1, 3);
    expect(scene.pick(strategy)).toBe(0);
  });
});
