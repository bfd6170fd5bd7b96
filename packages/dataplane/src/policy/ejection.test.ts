import { createBoard, type StatusBoard } from '@sluice/shared/health/board';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointList } from './balancing/testing.js';
import { Ejection, type EjectionLimits, type EjectionMark } from './ejection.js';

const LIMITS: EjectionLimits = { after: 3, timeMs: 5000, timeMaxMs: 60_000 };
const NOW = 1000;

function create(limits: Partial<EjectionLimits> = {}, board = createBoard(16, 1), random = 0.5) {
  return { board, ejection: new Ejection(board, { ...LIMITS, ...limits }, () => random) };
}

function ejected(board: StatusBoard, count: number, nowTick: number): number[] {
  return endpointList(count)
    .map(({ slot }) => slot)
    .filter((slot) => Atomics.load(board.planes.ejectedUntil, slot) > nowTick);
}

describe('an endpoint whose connects fail', () => {
  const endpoints = endpointList(4);

  it('is ejected by the third failure in a row, and longer each time it fails again', () => {
    const { ejection } = create();
    let now = NOW;
    expect(ejection.failed(endpoints, 0, now)).toBe(0);
    expect(ejection.failed(endpoints, 0, now)).toBe(0);
    const times = Array.from({ length: 7 }, () => {
      const forMs = ejection.failed(endpoints, 0, now);
      now += forMs / 100;
      return forMs;
    });
    expect(times).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
  });

  it('is not ejected longer by what fails meanwhile', () => {
    const { board, ejection } = create({ after: 1 });
    expect(ejection.failed(endpoints, 0, NOW)).toBe(5000);
    expect(ejection.failed(endpoints, 0, NOW + 49)).toBe(0);
    expect(Atomics.load(board.planes.ejectedUntil, 0)).toBe(NOW + 50);
    expect(Atomics.load(board.planes.ejections, 0)).toBe(1);
  });

  it('begins anew after a success', () => {
    const { board, ejection } = create();
    for (let left = 3; left > 0; left--) ejection.failed(endpoints, 0, NOW);
    ejection.succeeded(0);
    expect(ejected(board, 4, NOW)).toEqual([]);
    expect(ejection.failed(endpoints, 0, NOW)).toBe(0);
    expect(ejection.failed(endpoints, 0, NOW)).toBe(0);
    expect(ejection.failed(endpoints, 0, NOW)).toBe(5000);
  });

  it('is never ejected with --eject-after 0', () => {
    const { board, ejection } = create({ after: 0 });
    for (let left = 10; left > 0; left--) expect(ejection.failed(endpoints, 0, NOW)).toBe(0);
    expect(Atomics.load(board.planes.failures, 0)).toBe(0);
  });

  it.each([
    [0, 4000],
    [0.25, 4500],
    [0.999, 6000],
  ])('is ejected for a time that is spread by a fifth (%d)', (random, forMs) => {
    expect(create({ after: 1 }, undefined, random).ejection.failed(endpoints, 0, NOW)).toBe(forMs);
  });

  it.each([
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [9, 4],
  ])('of %i endpoints at most %i are ejected', (count, most) => {
    const { board, ejection } = create({ after: 1 });
    for (let left = 3; left > 0; left--) {
      for (const { slot } of endpointList(count)) ejection.failed(endpointList(count), slot, NOW);
    }
    expect(ejected(board, count, NOW)).toHaveLength(most);
  });
});

/** What several workers do to one board, step by step: a failure is three steps, and others may come between. */
type Step =
  | { readonly do: 'fail'; readonly worker: number; readonly slot: number }
  | { readonly do: 'goOn' | 'succeed'; readonly worker: number; readonly slot: number }
  | { readonly do: 'wait'; readonly ticks: number };

/** How far a worker is with a failure: it has counted it, or marked the endpoint. */
type Stage = { readonly slot: number; readonly inRow: number } | EjectionMark;

const ENDPOINTS_MAX = 6;
const WORKERS = 4;
const worker = fc.nat(WORKERS - 1);
const slot = fc.nat(ENDPOINTS_MAX - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('fail' as const), worker, slot }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('goOn' as const), worker, slot }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('succeed' as const), worker, slot }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ticks: fc.nat(100) }) },
);

describe('several workers on one board', () => {
  it('never eject more than half once all have settled, and a success always ends an ejection', () => {
    const size = fc.integer({ min: 1, max: ENDPOINTS_MAX });
    fc.assert(
      fc.property(size, fc.array(step, { maxLength: 120 }), (count, steps) => {
        const endpoints = endpointList(count);
        const { board, ejection } = create({ after: 2 });
        const stages: (Stage | undefined)[] = new Array(WORKERS).fill(undefined);
        let now = NOW;
        const goOn = (worker: number): void => {
          const stage = stages[worker];
          if (stage === undefined) return;
          if ('untilTick' in stage) {
            ejection.settle(endpoints, stage, now);
            stages[worker] = undefined;
          } else stages[worker] = ejection.mark(stage.slot, stage.inRow, now);
        };
        const check = (): void => {
          expect(ejected(board, count, now).length).toBeLessThanOrEqual(Math.floor(count / 2));
          for (const slot of ejected(board, count, now)) {
            expect(Atomics.load(board.planes.failures, slot)).toBeGreaterThan(0);
          }
        };
        for (const each of steps) {
          if (each.do === 'wait') now += each.ticks;
          else if (each.slot >= count) continue;
          else if (each.do === 'succeed') ejection.succeeded(each.slot);
          else if (each.do === 'goOn') goOn(each.worker);
          else stages[each.worker] ??= { slot: each.slot, inRow: ejection.count(each.slot) };
          if (stages.every((stage) => stage === undefined)) check();
        }
        for (let worker = 0; worker < WORKERS; worker++) {
          goOn(worker);
          goOn(worker);
        }
        check();
        for (const { slot: each } of endpoints) ejection.succeeded(each);
        expect(ejected(board, count, now)).toEqual([]);
        for (const plane of ['failures', 'ejections'] as const) {
          for (const { slot: each } of endpoints) expect(Atomics.load(board.planes[plane], each)).toBe(0);
        }
      }),
      {
        numRuns: 1500,
        // A mark behind a success, and another worker's in its place before it is settled.
        examples: [
          [
            1,
            [
              { do: 'fail', worker: 0, slot: 0 },
              { do: 'fail', worker: 3, slot: 0 },
              { do: 'succeed', worker: 0, slot: 0 },
              { do: 'goOn', worker: 3, slot: 0 },
              { do: 'wait', ticks: 50 },
            ],
          ],
        ],
      },
    );
  });
});
