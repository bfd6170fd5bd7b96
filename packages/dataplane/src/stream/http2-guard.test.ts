import { expect, test } from 'vitest';
import { Bucket, Http2Guard } from './http2-guard.js';

const MIB = 1024 * 1024;
const UNREAD = 8 * MIB;

/** How often it is done within a moment until the guard says so. */
function until(over: () => boolean): number {
  for (let n = 1; n < 100_000; n++) if (over()) return n;
  return Number.POSITIVE_INFINITY;
}

test('a bucket runs over behind what it holds, and empties with time', () => {
  const bucket = new Bucket({ holds: 10, perS: 2 }, 0);
  expect(bucket.add(10, 0)).toBe(false);
  expect(bucket.add(1, 0)).toBe(true);
  expect(bucket.add(1, 1000)).toBe(false);
  expect(bucket.add(1, 1000)).toBe(true);
  expect(bucket.add(10, 60_000)).toBe(false);
});

test('what is given back never makes room for more than it holds', () => {
  const bucket = new Bucket({ holds: 10, perS: 0 }, 0);
  bucket.add(-100, 0);
  expect(bucket.add(11, 0)).toBe(true);
});

test('a page that is left may cancel what it asked for; a flood of resets may not', () => {
  const guard = new Http2Guard(UNREAD, 0);
  expect(until(() => guard.onReset(0))).toBe(257);
  const slow = new Http2Guard(UNREAD, 0);
  let nowMs = 0;
  const reset = () => {
    nowMs += 40;
    return slow.onReset(nowMs);
  };
  expect(until(reset)).toBe(Number.POSITIVE_INFINITY);
});

test('settings and pings', () => {
  const guard = new Http2Guard(UNREAD, 0);
  expect(until(() => guard.onSettings(0))).toBe(33);
  expect(until(() => guard.onPing(0))).toBe(129);
});

test('a client that measures its path with every piece it gets is let be', () => {
  const guard = new Http2Guard(UNREAD, 0);
  const measure = () => {
    guard.onWrite(0);
    return guard.onPing(0);
  };
  expect(until(measure)).toBe(Number.POSITIVE_INFINITY);
});

test('frames that are neither head nor body run over, whatever they are', () => {
  const guard = new Http2Guard(UNREAD, 0);
  expect(guard.onPassed({ read: 9 * MIB, useful: 0, written: 0 }, 0)).toBe(false);
  expect(guard.onPassed({ read: 9 * MIB + 1, useful: 0, written: 0 }, 0)).toBe(true);
});

test('bodies that nobody has read yet are no flood, nor are they when they have been read', () => {
  const guard = new Http2Guard(UNREAD, 0);
  let read = 0;
  const upload = () => {
    read += UNREAD;
    return guard.onPassed({ read, useful: read - UNREAD, written: 0 }, 0);
  };
  expect(until(upload)).toBe(Number.POSITIVE_INFINITY);
});

test('what a client says of what it got is paid for by that', () => {
  const guard = new Http2Guard(UNREAD, 0);
  let written = 0;
  const download = () => {
    written += MIB;
    return guard.onPassed({ read: written / 8, useful: 0, written }, 0);
  };
  expect(until(download)).toBe(Number.POSITIVE_INFINITY);
});
