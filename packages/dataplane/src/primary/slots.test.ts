import { beforeEach, describe, expect, test } from 'vitest';
import { Slots } from './slots.js';

const state = { seen: 0, active: new Map<number, number>(), freed: [] as number[] };
beforeEach(() => Object.assign(state, { seen: 0, active: new Map(), freed: [] }));

function slots(capacity: number): Slots {
  return new Slots({
    capacity,
    active: (slot) => state.active.get(slot) ?? 0,
    seen: () => state.seen,
    onFree: (slot) => state.freed.push(slot),
  });
}

test('an endpoint keeps its slot while it exists', () => {
  const board = slots(3);
  expect(['a', 'b', 'a', 'c', 'b'].map((key) => board.take(key))).toEqual([0, 1, 0, 2, 1]);
  expect(board.take('d')).toBeUndefined();
});

describe('a slot is reused', () => {
  test('when no worker chooses by an older list and no connection is open', () => {
    const board = slots(1);
    board.take('a');
    board.leave('a', 7);
    state.seen = 6;
    expect(board.take('b')).toBeUndefined();
    state.seen = 7;
    state.active.set(0, 1);
    expect(board.take('b')).toBeUndefined();
    expect(state.freed).toEqual([]);
    state.active.clear();
    expect(board.take('b')).toBe(0);
    expect(state.freed).toEqual([0]);
    expect(board.leaving).toBe(0);
  });

  test('by its own endpoint at any time', () => {
    const board = slots(1);
    board.take('a');
    board.leave('a', 7);
    state.active.set(0, 5);
    expect(board.take('a')).toBe(0);
    state.seen = 9;
    state.active.clear();
    expect(board.sweep()).toBe(0);
    expect(state.freed).toEqual([]);
  });
});

test('unknown endpoints leave no trace', () => {
  const board = slots(1);
  board.leave('never', 1);
  expect([board.leaving, board.sweep(), board.take('a')]).toEqual([0, 1, 0]);
});

/** Small and seeded, so that a failure can be run again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each([1, 2, 3, 4, 5])(
  'churn, seed %i: no slot is ever given away while somebody may mean its endpoint',
  (seed) => {
    const next = random(seed);
    const capacity = 8;
    const board = slots(capacity);
    /** Whoever may still mean a slot: endpoint, and the revision that ends it. */
    const meant = new Map<number, { key: string; until: number }>();
    let revision = 0;
    for (let step = 0; step < 5000; step += 1) {
      const key = `endpoint ${Math.floor(next() * 20)}`;
      const roll = next();
      if (roll < 0.45) {
        const slot = board.take(key);
        if (slot === undefined) continue;
        expect(slot).toBeLessThan(capacity);
        const before = meant.get(slot);
        const free = before === undefined || before.key === key;
        const over = before !== undefined && before.until <= state.seen && (state.active.get(slot) ?? 0) === 0;
        expect(free || over, `seed ${seed}, step ${step}: ${key} got the slot of ${before?.key}`).toBe(true);
        meant.set(slot, { key, until: Number.POSITIVE_INFINITY });
      } else if (roll < 0.8) {
        const held = [...meant].find(([, entry]) => entry.key === key && entry.until === Number.POSITIVE_INFINITY);
        revision += 1;
        board.leave(key, revision);
        if (held !== undefined) meant.set(held[0], { key, until: revision });
      } else if (roll < 0.9) {
        // Only a slot that some worker can still choose gets a connection.
        const slot = Math.floor(next() * capacity);
        const choosable = (meant.get(slot)?.until ?? 0) > state.seen;
        state.active.set(slot, choosable ? Math.floor(next() * 2) : 0);
      } else state.seen = revision;
    }
  },
);
