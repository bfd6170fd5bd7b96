import { expect, test } from 'vitest';
import { assignSlots, endpointKey, slotCount } from './slots.js';

test('the key of an endpoint brackets IPv6', () => {
  expect(endpointKey('default/chat/80', '10.0.0.1', 9000)).toBe('default/chat/80/10.0.0.1:9000');
  expect(endpointKey('default/chat/80', '::1', 9000)).toBe('default/chat/80/[::1]:9000');
});

test('slots are numbered in order of first use, each key once', () => {
  expect([...assignSlots(['a', 'b', 'a', 'c'])]).toEqual([
    ['a', 0],
    ['b', 1],
    ['c', 2],
  ]);
});

test('an endpoint keeps its slot, a new one gets the lowest that nobody holds', () => {
  const before = new Map([
    ['a', 0],
    ['gone', 1],
    ['c', 3],
  ]);
  const after = assignSlots(['new', 'c', 'a', 'newer'], before);
  expect([...after]).toEqual([
    ['new', 2],
    ['c', 3],
    ['a', 0],
    ['newer', 4],
  ]);
  expect(before.size).toBe(3);
});

test('the count is one more than the highest slot', () => {
  expect(slotCount(new Map())).toBe(0);
  expect(slotCount(new Map([['a', 7]]))).toBe(8);
});
