import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueHeap } from './due-heap.js';

describe('DueHeap', () => {
  it('gives back what was put in, the earliest first, however pushes and pops alternate', () => {
    const step = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.constant('pop' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const heap = new DueHeap<{ dueMs: number }>();
        const model: number[] = [];
        for (const each of steps) {
          if (each === 'pop') {
            model.sort((a, b) => a - b);
            expect(heap.peek()?.dueMs).toBe(model[0]);
            expect(heap.pop()?.dueMs).toBe(model.shift());
          } else {
            heap.push({ dueMs: each });
            model.push(each);
          }
          expect(heap.size).toBe(model.length);
        }
      }),
    );
  });

  it('keeps what is wanted, in its order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 })), (times) => {
        const heap = new DueHeap<{ dueMs: number }>();
        for (const dueMs of times) heap.push({ dueMs });
        heap.filter(({ dueMs }) => dueMs % 2 === 0);
        const left = Array.from({ length: heap.size }, () => heap.pop()?.dueMs);
        expect(left).toEqual(times.filter((dueMs) => dueMs % 2 === 0).sort((a, b) => a - b));
      }),
    );
  });
});
