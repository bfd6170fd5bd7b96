import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LoadReport } from '../load-report.js';
import { type LoadAwareSnapshot, loadWeight, recordWeight, reportedWeight } from '../load-weight.js';
import { LoadAware } from './load-aware.js';
import { createScene, type Scene, seeded } from './testing.js';

const CONFIG: LoadAwareSnapshot = {
  strategy: 'load-aware',
  blackoutPeriodMs: 10_000,
  metricExpirationPeriodMs: 180_000,
  errorUtilizationPenalty: 1,
  namedMetrics: [],
};
const NOTHING: LoadReport = { cpu: 0, memory: 0, application: 0, rps: 0, eps: 0, named: new Map() };

/** The endpoint has reported this weight for longer than the blackout. */
function report(scene: Scene, slot: number, weight: number, sinceTicks = 100): void {
  recordWeight(scene.board, slot, weight, CONFIG, scene.nowTick - sinceTicks);
  recordWeight(scene.board, slot, weight, CONFIG, scene.nowTick);
}

describe('load aware', () => {
  it('gives turns by weight, within two', () => {
    const weights = fc.array(fc.double({ min: 1, max: 100, noNaN: true }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(weights, fc.nat(), (given, seed) => {
        const scene = createScene(given.length);
        given.forEach((weight, slot) => {
          report(scene, slot, weight);
        });
        const counts = scene.counts(new LoadAware(CONFIG, seeded(seed)), 1000);
        const total = given.reduce((sum, weight) => sum + weight, 0);
        given.forEach((weight, slot) => {
          expect(Math.abs((counts[slot] as number) - (1000 * weight) / total)).toBeLessThanOrEqual(given.length);
        });
      }),
      { numRuns: 100 },
    );
  });

  it('is round robin without reports', () => {
    const counts = createScene(3).counts(new LoadAware(CONFIG, seeded(1)), 30);
    expect(counts).toEqual([10, 10, 10]);
  });

  it('gives one without a report the mean of the others', () => {
    const scene = createScene(3);
    report(scene, 0, 10);
    report(scene, 1, 30);
    const counts = scene.counts(new LoadAware(CONFIG, seeded(1)), 600);
    expect(counts.map((count) => Math.round(count / 10))).toEqual([10, 30, 20]);
  });

  it('waits for the blackout, uses reports until they expire, and then waits again', () => {
    const scene = createScene(2);
    const { board } = scene;
    const start = 1000;
    recordWeight(board, 0, 8, CONFIG, start);
    expect(loadWeight(board, 0, CONFIG, start + 99)).toBe(0);
    expect(loadWeight(board, 0, CONFIG, start + 100)).toBe(8);
    recordWeight(board, 0, 4, CONFIG, start + 150);
    expect(loadWeight(board, 0, CONFIG, start + 151)).toBe(4);
    expect(loadWeight(board, 0, CONFIG, start + 150 + 1799)).toBe(4);
    expect(loadWeight(board, 0, CONFIG, start + 150 + 1800)).toBe(0);
    recordWeight(board, 0, 2, CONFIG, start + 2000);
    expect(loadWeight(board, 0, CONFIG, start + 2099)).toBe(0);
    expect(loadWeight(board, 0, CONFIG, start + 2100)).toBe(2);
    expect(loadWeight(board, 1, CONFIG, start)).toBe(0);
  });

  it('sees within a tick what another worker put on the board', () => {
    const scene = createScene(2);
    const strategy = new LoadAware(CONFIG, seeded(2));
    expect(scene.counts(strategy, 10)).toEqual([5, 5]);
    report(scene, 0, 1);
    report(scene, 1, 9);
    scene.nowTick += 1;
    expect(Math.abs((scene.counts(strategy, 100)[1] as number) - 90)).toBeLessThanOrEqual(2);
  });
});

describe('the weight of a report', () => {
  it.each<[string, Partial<LoadReport>, Partial<LoadAwareSnapshot>, number]>([
    ['is requests by utilization', { rps: 10, cpu: 0.5 }, {}, 20],
    ['takes the application before the processor', { rps: 10, cpu: 0.5, application: 0.25 }, {}, 40],
    ['takes memory when nothing else is said', { rps: 10, memory: 0.5 }, {}, 20],
    ['takes the processor before memory', { rps: 10, cpu: 0.5, memory: 0.8 }, {}, 20],
    ['adds the errors', { rps: 10, cpu: 0.5, eps: 5 }, {}, 10],
    ['weighs the errors', { rps: 10, cpu: 0.5, eps: 5 }, { errorUtilizationPenalty: 3 }, 5],
    ['may pass over the errors', { rps: 10, cpu: 0.5, eps: 5 }, { errorUtilizationPenalty: 0 }, 20],
    ['is none without requests', { cpu: 0.5 }, {}, 0],
    ['is none without a utilization', { rps: 10, eps: 1 }, {}, 0],
    ['is none where it would be infinite', { rps: 1e300, cpu: 1e-300 }, {}, 0],
  ])('%s', (_, given, config, weight) => {
    expect(reportedWeight({ ...NOTHING, ...given }, { ...CONFIG, ...config })).toBeCloseTo(weight, 5);
  });

  it('takes the largest of the named metrics before all others, with or without their prefix', () => {
    const named = new Map([
      ['gpu', 0.5],
      ['queue', 0.8],
      ['other', 0.9],
    ]);
    const given = { ...NOTHING, rps: 4, application: 0.1, named };
    expect(reportedWeight(given, { ...CONFIG, namedMetrics: ['gpu', 'named_metrics.queue'] })).toBeCloseTo(5, 5);
    expect(reportedWeight(given, { ...CONFIG, namedMetrics: ['absent'] })).toBeCloseTo(40, 5);
  });
});
