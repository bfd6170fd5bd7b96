import { EndpointStatus } from '@sluice/shared/health/board';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RoundRobin } from './round-robin.js';
import { slowStartWeight } from './slow-start.js';
import { createScene, seeded } from './testing.js';

const SLOW = { windowMs: 10_000, aggression: 1, startWeightPercent: 10 };

describe('round robin', () => {
  it('gives usable endpoints turns that differ by at most one, whichever are usable and wherever it begins', () => {
    const usable = fc.array(fc.boolean(), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(usable, fc.nat(100), fc.nat(200), (flags, phase, picks) => {
        const scene = createScene(flags.length);
        flags.forEach((flag, slot) => {
          if (!flag) scene.board.setStatus(slot, EndpointStatus.unhealthy);
        });
        const counts = scene.counts(new RoundRobin(null, phase, seeded(1)), picks);
        if (!flags.includes(true)) return;
        const turns = counts.filter((_, slot) => flags[slot]);
        expect(Math.max(...turns) - Math.min(...turns)).toBeLessThanOrEqual(1);
        expect(turns.reduce((sum, each) => sum + each, 0)).toBe(picks);
      }),
      { numRuns: 300 },
    );
  });

  it('chooses none where none is usable, and none in a list of none', () => {
    const scene = createScene(2);
    for (const slot of [0, 1]) scene.board.setStatus(slot, EndpointStatus.draining);
    expect(scene.pick(new RoundRobin(null, 5, seeded(1)))).toBe(-1);
    scene.endpoints = [];
    expect(scene.pick(new RoundRobin(SLOW, 5, seeded(1)))).toBe(-1);
  });

  it('is exact with a slow start that no endpoint is in', () => {
    const scene = createScene(3);
    expect(scene.counts(new RoundRobin(SLOW, 0, seeded(1)), 9)).toEqual([3, 3, 3]);
  });

  it.each([1, 2, 3])('gives an endpoint in slow start its part, and no run of turns (seed %i)', (seed) => {
    const scene = createScene(4);
    Atomics.store(scene.board.planes.since, 2, scene.nowTick - 50);
    const strategy = new RoundRobin(SLOW, 0, seeded(seed));
    const counts = scene.counts(strategy, 700);
    expect(counts[2]).toBeGreaterThanOrEqual(98);
    expect(counts[2]).toBeLessThanOrEqual(102);
    for (const slot of [0, 1, 3]) expect(Math.abs((counts[slot] as number) - 200)).toBeLessThanOrEqual(2);
    const order = Array.from({ length: 21 }, () => scene.pick(strategy));
    expect(order.some((slot, at) => slot === order[at + 1])).toBe(false);
  });

  it('of more endpoints than are gone through each time draws by weight, of the usable ones', () => {
    const scene = createScene(100);
    for (let slot = 0; slot < 50; slot++) Atomics.store(scene.board.planes.since, slot, scene.nowTick - 25);
    scene.board.setStatus(99, EndpointStatus.unhealthy);
    const counts = scene.counts(new RoundRobin(SLOW, 0, seeded(3)), 61_500);
    const sum = (from: number, to: number): number => counts.slice(from, to).reduce((all, each) => all + each, 0);
    expect(Math.abs(sum(0, 50) / 12_500 - 1)).toBeLessThan(0.05);
    expect(counts[99]).toBe(0);
    for (const { slot } of scene.endpoints) if (slot !== 42) scene.board.setStatus(slot, EndpointStatus.unhealthy);
    expect(scene.counts(new RoundRobin(SLOW, 0, seeded(3)), 20)[42]).toBe(20);
  });

  it('goes back to equal turns when the window is over', () => {
    const scene = createScene(2);
    Atomics.store(scene.board.planes.since, 0, scene.nowTick);
    const strategy = new RoundRobin(SLOW, 0, seeded(4));
    expect(Math.abs((scene.counts(strategy, 110)[0] as number) - 10)).toBeLessThanOrEqual(1);
    scene.nowTick += 100;
    expect(scene.counts(strategy, 10)).toEqual([5, 5]);
  });
});

describe('the weight of slow start', () => {
  it.each([
    [1, 0, 0.1],
    [1, 5, 0.1],
    [1, 25, 0.25],
    [1, 50, 0.5],
    [1, 99, 0.99],
    [1, 100, 1],
    [1, 5000, 1],
    [2, 25, 0.5],
    [2, 81, 0.9],
    [0.5, 50, 0.25],
    [0.5, 10, 0.1],
  ])('with aggression %d after %d ticks is %d', (aggression, ticks, weight) => {
    expect(slowStartWeight({ ...SLOW, aggression }, 1000, 1000 + ticks)).toBeCloseTo(weight, 10);
  });

  it('is 1 without a start, never falls while time passes, and never is 0', () => {
    expect(slowStartWeight(SLOW, 0, 1000)).toBe(1);
    const slowStart = fc.record({
      windowMs: fc.integer({ min: 0, max: 600_000 }),
      aggression: fc.double({ min: 0.01, max: 10, noNaN: true }),
      startWeightPercent: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(slowStart, fc.nat(10_000), fc.nat(10_000), (config, at, more) => {
        const early = slowStartWeight(config, 1, 1 + at);
        const late = slowStartWeight(config, 1, 1 + at + more);
        expect(early).toBeGreaterThan(0);
        expect(late).toBeGreaterThanOrEqual(early);
        expect(late).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });
});
