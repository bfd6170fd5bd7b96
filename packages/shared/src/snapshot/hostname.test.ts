import { expect, test } from 'vitest';
import { compareHostnames, intersectHostnames } from './hostname.js';

test.each([
  ['', '', ''],
  ['', 'a.com', 'a.com'],
  ['', '*.a.com', '*.a.com'],
  ['a.com', 'a.com', 'a.com'],
  ['a.com', 'b.com', undefined],
  ['*.a.com', 'x.a.com', 'x.a.com'],
  ['*.a.com', 'x.y.a.com', 'x.y.a.com'],
  ['*.a.com', 'a.com', undefined],
  ['*.a.com', '.a.com', undefined],
  ['*.a.com', 'xa.com', undefined],
  ['*.a.com', 'xyza.com', undefined],
  ['*.a.com', '*.a.com', '*.a.com'],
  ['*.a.com', '*.b.a.com', '*.b.a.com'],
  ['*.a.com', '*.b.com', undefined],
  ['*.com', '*.a.com', '*.a.com'],
])('%j and %j have %j in common', (a, b, expected) => {
  expect(intersectHostnames(a, b)).toBe(expected);
  expect(intersectHostnames(b, a)).toBe(expected);
});

test('exact beats wildcard, longer beats shorter, every host comes last', () => {
  const expected = ['a.long.example.com', 'b.example.com', 'a.com', '*.long.example.com', '*.example.com', '*.com', ''];
  expect([...expected].reverse().sort(compareHostnames)).toEqual(expected);
});
