import type { Logger } from '@sluice/shared/log';
import { DEFAULT_PROBE, type ProbeSnapshot } from '@sluice/shared/snapshot/service-policy';
import { ManualTimers } from '@sluice/shared/testing/manual-timers';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Probe, ProbeResult } from './probes/probe.js';
import { Scheduler } from './scheduler.js';

const INTERVAL_MS = 5000;
const HEALTHY: ProbeResult = { healthy: true, why: '', elapsedMs: 1 };

/** A probe that takes its time and gives up when it is told to. */
function probeOf(timers: ManualTimers, takesMs: number) {
  const begun: { key: string; atMs: number }[] = [];
  let running = 0;
  let most = 0;
  let aborted = 0;
  const probe: Probe = (target, _, signal) =>
    new Promise((resolve) => {
      begun.push({ key: `${target.address}:${target.port}`, atMs: timers.nowMs() });
      running++;
      most = Math.max(most, running);
      const end = (): void => {
        running--;
        resolve(HEALTHY);
      };
      const cancel = timers.after(takesMs, end);
      signal.addEventListener('abort', () => {
        aborted++;
        cancel();
        end();
      });
    });
  return { probe, begun, most: () => most, aborted: () => aborted, running: () => running };
}

interface Setup {
  readonly endpoints?: number;
  readonly probesMax?: number;
  readonly takesMs?: number;
  readonly random?: number;
  readonly log?: Logger;
}

function start({ endpoints = 1, probesMax = 256, takesMs = 10, random = 0, log }: Setup = {}) {
  const timers = new ManualTimers();
  const fake = probeOf(timers, takesMs);
  const results: string[] = [];
  const scheduler = new Scheduler({
    log: log ?? pino({ level: 'silent' }),
    timers,
    random: () => random,
    probesMax,
    onResult: ({ key }) => results.push(key),
  });
  const settings: ProbeSnapshot = { ...DEFAULT_PROBE, intervalMs: INTERVAL_MS };
  const add = (index: number) =>
    scheduler.set({
      key: `default/chat/80/10.0.${index >> 8}.${index & 255}:80`,
      service: 'default/chat/80',
      target: { address: `10.0.${index >> 8}.${index & 255}`, port: 80 },
      settings,
      probe: fake.probe,
    });
  for (let index = 0; index < endpoints; index++) add(index);
  return { timers, scheduler, results, add, ...fake };
}

describe('Scheduler', () => {
  it('probes an urgent endpoint at once, then at its phase, once an interval', async () => {
    const { timers, scheduler, begun } = start();
    scheduler.start(() => true);
    await timers.pass(20 * INTERVAL_MS);
    const gaps = begun.slice(1).map(({ atMs }, index) => atMs - (begun[index]?.atMs ?? 0));
    expect(gaps[0]).toBeLessThanOrEqual(INTERVAL_MS);
    for (const gap of gaps.slice(1)) expect(Math.abs(gap - INTERVAL_MS)).toBeLessThanOrEqual(1);
    expect(gaps.length).toBeGreaterThanOrEqual(19);
  });

  it('a changed endpoint waits for its turn, or not; its probe under way is aborted, and its result dropped', async () => {
    const { timers, scheduler, begun, results, aborted, probe } = start({ takesMs: 2 * INTERVAL_MS });
    scheduler.start(() => true);
    await timers.pass(1);
    const target = { address: '10.0.0.0', port: 80 };
    const settings: ProbeSnapshot = { ...DEFAULT_PROBE, intervalMs: INTERVAL_MS };
    const order = { key: 'default/chat/80/10.0.0.0:80', service: 'default/chat/80', target, settings, probe };
    scheduler.change(order, false);
    await timers.pass(0);
    expect({ begun: begun.length, aborted: aborted(), results }).toEqual({ begun: 1, aborted: 1, results: [] });
    await timers.pass(INTERVAL_MS);
    expect(begun).toHaveLength(2);
    scheduler.change({ ...order, settings: { ...settings, intervalMs: 100 * INTERVAL_MS } }, true);
    await timers.pass(0);
    expect({ begun: begun.length, aborted: aborted(), results }).toEqual({ begun: 3, aborted: 2, results: [] });
    scheduler.change({ ...order, key: 'nobody' }, true);
    await timers.pass(0);
    expect([scheduler.size, begun.length]).toEqual([1, 3]);
  });

  it('spreads probes over the interval', async () => {
    const { timers, scheduler, begun } = start({ endpoints: 1000 });
    scheduler.start(() => false);
    await timers.pass(INTERVAL_MS);
    expect(begun).toHaveLength(1000);
    const tenths = new Array<number>(10).fill(0);
    for (const { atMs } of begun) {
      const tenth = Math.floor(((atMs - 1000) / INTERVAL_MS) * 10);
      tenths[Math.min(tenth, 9)] = (tenths[Math.min(tenth, 9)] ?? 0) + 1;
    }
    expect(Math.min(...tenths)).toBeGreaterThan(60);
    expect(Math.max(...tenths)).toBeLessThan(140);
  });

  it('an endpoint has the same turn in every daemon', async () => {
    const turns = await Promise.all(
      [1, 2].map(async () => {
        const { timers, scheduler, begun } = start({ endpoints: 20 });
        scheduler.start(() => false);
        await timers.pass(INTERVAL_MS);
        return begun;
      }),
    );
    expect(turns[0]).toEqual(turns[1]);
  });

  it('jitter delays a turn by little and never adds up', async () => {
    const { timers, scheduler, begun } = start({ random: 0.999 });
    scheduler.start(() => false);
    await timers.pass(101 * INTERVAL_MS);
    const first = begun[0]?.atMs ?? 0;
    expect(begun.length).toBeGreaterThanOrEqual(100);
    begun.forEach(({ atMs }, index) => {
      expect(Math.abs(atMs - first - index * INTERVAL_MS)).toBeLessThan(INTERVAL_MS * 0.03);
    });
  });

  it('runs a bounded number at once, all of them in the end, and says when that makes them late', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
    const { timers, scheduler, begun, most } = start({ endpoints: 100, probesMax: 7, takesMs: 1000, log });
    scheduler.start(() => true);
    await timers.pass(16_000);
    expect(most()).toBe(7);
    expect(new Set(begun.map(({ key }) => key)).size).toBe(100);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('--probes-max');
  });

  it("never overlaps one endpoint's probes", async () => {
    const { timers, scheduler, begun, most } = start({ takesMs: 3.5 * INTERVAL_MS });
    scheduler.start(() => true);
    await timers.pass(16 * INTERVAL_MS);
    expect(most()).toBe(1);
    expect(begun.length).toBeGreaterThanOrEqual(4);
  });

  it('aborts the probe of an endpoint that is removed, drops its result and forgets it', async () => {
    const { timers, scheduler, results, aborted, running } = start({ takesMs: 1000 });
    scheduler.start(() => true);
    await timers.pass(10);
    scheduler.delete('default/chat/80/10.0.0.0:80');
    await timers.pass(10 * INTERVAL_MS);
    expect({ aborted: aborted(), running: running(), size: scheduler.size, results }).toEqual({
      aborted: 1,
      running: 0,
      size: 0,
      results: [],
    });
  });

  it('probes an endpoint that is added while it runs at once', async () => {
    const { timers, scheduler, begun, add } = start({ endpoints: 0 });
    scheduler.start(() => false);
    await timers.pass(INTERVAL_MS);
    add(7);
    await timers.pass(0);
    expect(begun).toEqual([{ key: '10.0.0.7:80', atMs: 1000 + INTERVAL_MS }]);
  });

  it('stop aborts everything, leaves no timer, and start goes on', async () => {
    const { timers, scheduler, results, begun, aborted } = start({ endpoints: 3, takesMs: 1000 });
    scheduler.start(() => true);
    await timers.pass(10);
    scheduler.stop();
    await timers.pass(10 * INTERVAL_MS);
    expect({ begun: begun.length, aborted: aborted(), results, pending: timers.pending }).toEqual({
      begun: 3,
      aborted: 3,
      results: [],
      pending: 0,
    });
    scheduler.start(() => true);
    await timers.pass(1000);
    expect(results).toHaveLength(3);
  });

  it('a probe that breaks its contract and rejects is logged and comes again', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    const { timers, scheduler, results } = start({ endpoints: 0, log });
    const target = { address: '10.0.0.1', port: 80 };
    const probe: Probe = () => Promise.reject(new Error('broken'));
    scheduler.set({
      key: 'k',
      service: 'default/chat/80',
      target,
      settings: { ...DEFAULT_PROBE, intervalMs: 100 },
      probe,
    });
    scheduler.start(() => true);
    await timers.pass(250);
    expect(lines.length).toBeGreaterThanOrEqual(2);
    expect(results).toEqual([]);
  });
});
