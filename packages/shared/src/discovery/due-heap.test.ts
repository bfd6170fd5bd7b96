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
});
