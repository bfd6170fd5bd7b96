import { describe, expect, it } from 'vitest';
import { ManualTimers } from '../testing/manual-timers.js';
import { PeriodicWork } from './periodic-work.js';

interface Setup {
  readonly concurrency?: number;
  readonly takesMs?: number;
  readonly intervalMs?: number;
}

function start({ concurrency = 10, takesMs = 0, intervalMs = 100 }: Setup = {}) {
  const timers = new ManualTimers();
  const begun: string[] = [];
  const late: number[] = [];
  let most = 0;
  const work = new PeriodicWork<string>({
    timers,
    concurrency,
    run: (item, lateMs) => {
      begun.push(item);
      late.push(lateMs);
      most = Math.max(most, work.running);
      return takesMs === 0 ? Promise.resolve() : new Promise((resolve) => timers.after(takesMs, resolve));
    },
    nextDueMs: (_, nowMs) => nowMs + intervalMs,
  });
  return { timers, begun, late, work, most: () => most };
}

describe('PeriodicWork', () => {
  it('runs an item at its time and again after the interval', async () => {
    const { timers, begun, work } = start();
    work.add('a', timers.nowMs() + 50);
    await timers.pass(49);
    expect(begun).toEqual([]);
    await timers.pass(1);
    expect(begun).toEqual(['a']);
    await timers.pass(300);
    expect(begun).toEqual(['a', 'a', 'a', 'a']);
  });

  it('runs the earliest first, also one that is added later', async () => {
    const { timers, begun, work } = start();
    work.add('late', timers.nowMs() + 90);
    work.add('early', timers.nowMs() + 10);
    await timers.pass(95);
    expect(begun).toEqual(['early', 'late']);
  });

  it('keeps to its bound, and what waits runs in the order of its time, with how late it is', async () => {
    const { timers, begun, late, work, most } = start({ concurrency: 2, takesMs: 30, intervalMs: 1000 });
    for (const [index, item] of ['a', 'b', 'c', 'd', 'e'].entries()) work.add(item, timers.nowMs() + index);
    await timers.pass(200);
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(late).toEqual([0, 0, 28, 28, 56]);
    expect(most()).toBe(2);
  });

  it('never runs an item twice at a time', async () => {
    const { timers, begun, work, most } = start({ takesMs: 250, intervalMs: 100 });
    work.add('slow', timers.nowMs());
    await timers.pass(1000);
    expect(begun).toHaveLength(3);
    expect(most()).toBe(1);
  });

  it('forgets an item that is removed, waiting or running', async () => {
    const { timers, begun, work } = start({ takesMs: 20 });
    const running = work.add('running', timers.nowMs());
    const waiting = work.add('waiting', timers.nowMs() + 60);
    await timers.pass(10);
    work.remove(running);
    work.remove(waiting);
    await timers.pass(1000);
    expect(begun).toEqual(['running']);
    expect(work.running).toBe(0);
    expect(timers.pending).toBe(0);
  });

  it('begins nothing after close and leaves no timer', async () => {
    const { timers, begun, work } = start();
    work.add('a', timers.nowMs() + 10);
    work.close();
    work.add('b', timers.nowMs());
    await timers.pass(100);
    expect(begun).toEqual([]);
    expect(timers.pending).toBe(0);
  });

  it('holds no more removed items than others, however far away their time is', async () => {
    const { timers, begun, work } = start();
    const kept = Array.from({ length: 100 }, (_, index) => work.add(`kept ${index}`, timers.nowMs() + 1e9 + index));
    for (let round = 0; round < 10_000; round++) work.remove(work.add('gone', timers.nowMs() + 2e9));
    expect(work.held).toBeLessThan(2 * kept.length + 1);
    await timers.pass(1e9 + kept.length);
    expect(begun.slice(0, kept.length)).toEqual(kept.map(({ item }) => item));
  });
});
