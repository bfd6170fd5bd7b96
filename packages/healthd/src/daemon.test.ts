import type { BusPublisher, LeadershipEvents } from '@sluice/shared/health/bus';
import type { StatusTable, TableChange } from '@sluice/shared/health/table';
import { DEFAULT_PROBE } from '@sluice/shared/snapshot/service-policy';
import { ManualTimers } from '@sluice/shared/testing/manual-timers';
import { aService } from '@sluice/shared/testing/snapshots';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { Daemon, DETAILS_INTERVAL_MS, DETAILS_MAX } from './daemon.js';
import type { Probe, ProbeResult } from './probes/probe.js';

const INTERVAL_MS = 1000;
const KEY = 'default/chat/80/10.0.0.1:9000';

/** The publisher's end as the contract has it; the test elects and deposes. */
class FakePublisher implements BusPublisher {
  events: LeadershipEvents | undefined;
  leading = false;
  epoch = 0;
  closed = 0;
  readonly unreachable = '';
  readonly tables: StatusTable['endpoints'][] = [];
  readonly changes: TableChange[] = [];

  start(events: LeadershipEvents): void {
    this.events = events;
  }
  elect(stored: StatusTable | null = null): void {
    this.leading = true;
    this.epoch++;
    this.events?.onElected(stored, this.epoch);
  }
  depose(): void {
    this.leading = false;
    this.events?.onDeposed('the lease was lost');
  }
  publish(change: TableChange): void {
    this.changes.push(change);
  }
  publishTable(_services: ReadonlySet<string>, endpoints: StatusTable['endpoints']): void {
    this.tables.push(new Map(endpoints));
  }
  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }
}

async function start(endpoints = 1, log = pino({ level: 'silent' })) {
  const timers = new ManualTimers();
  const publisher = new FakePublisher();
  const answer: { now: ProbeResult } = { now: { healthy: true, why: '', elapsedMs: 1 } };
  const outcomes: string[] = [];
  let probed = 0;
  const probe: Probe = () => {
    probed++;
    return Promise.resolve(answer.now);
  };
  const targets = Array.from({ length: endpoints }, (_, index) => {
    const host = `10.0.${index >> 8}.${(index & 255) + 1}`;
    return { type: 'address', host, port: 9000, draining: false } as const;
  });
  const settings = { ...DEFAULT_PROBE, intervalMs: INTERVAL_MS, unhealthyThreshold: 2 };
  const services = [aService('default/chat/80', { targets, probe: settings })];
  const daemon = new Daemon({
    log,
    publisher,
    createProbe: () => probe,
    resolveIntervalMs: 5000,
    probesMax: 10,
    observer: {
      probed: (_, outcome) => outcomes.push(outcome),
      resolveFailed: () => undefined,
      forget: () => undefined,
    },
    timers,
  });
  await daemon.start({ services, authorities: [], certificates: [] });
  return { timers, publisher, daemon, answer, outcomes, probed: () => probed };
}

describe('Daemon', () => {
  it('does not probe before it leads', async () => {
    const { timers, publisher, probed } = await start();
    await timers.pass(10 * INTERVAL_MS);
    expect(probed()).toBe(0);
    expect(publisher.tables).toEqual([]);
  });

  it('says whether what it knows is of now', async () => {
    const { publisher, daemon } = await start();
    expect(daemon.state).toMatchObject({ fresh: false, reason: expect.stringContaining('stands by') });
    publisher.elect();
    expect(daemon.state).toMatchObject({ fresh: true, reason: '' });
    publisher.depose();
    expect(daemon.state).toMatchObject({ fresh: false, reason: expect.stringContaining('stands by') });
  });

  it('begins a reign with the whole table, then says verdicts', async () => {
    const { timers, publisher, answer } = await start();
    publisher.elect();
    expect(publisher.tables[0]?.get(KEY)?.status).toBe('unknown');
    await timers.pass(0);
    expect(publisher.changes.at(-1)?.set[0]?.[1]).toMatchObject({ status: 'healthy', why: '' });
    answer.now = { healthy: false, why: 'refused', elapsedMs: 1 };
    await timers.pass(2.1 * INTERVAL_MS);
    expect(publisher.changes.at(-1)?.set[0]?.[1]).toMatchObject({ status: 'unhealthy', why: 'refused' });
  });

  it('says when endpoints were probed in batches', async () => {
    const { timers, publisher } = await start();
    publisher.elect();
    await timers.pass(DETAILS_INTERVAL_MS - INTERVAL_MS);
    const before = publisher.changes.length;
    expect(before).toBe(1);
    await timers.pass(2 * INTERVAL_MS);
    expect(publisher.changes).toHaveLength(before + 1);
  });

  it('says it of many endpoints in batches of bounded size, of each no later than of one', async () => {
    const endpoints = 2 * DETAILS_MAX + 10;
    const { timers, publisher } = await start(endpoints);
    publisher.elect();
    await timers.pass(2 * INTERVAL_MS);
    const before = publisher.changes.length;
    await timers.pass(2 * DETAILS_INTERVAL_MS);
    const sets = publisher.changes.slice(before).map(({ set }) => set);
    expect(Math.max(...sets.map(({ length }) => length))).toBeLessThanOrEqual(DETAILS_MAX);
    expect(new Set(sets.flat().map(([key]) => key)).size).toBe(endpoints);
  });

  it('a probe that says nothing of the endpoint changes nothing', async () => {
    const { timers, publisher, answer, daemon, outcomes } = await start();
    answer.now = { healthy: false, why: 'too many open files', elapsedMs: 1, inconclusive: true };
    publisher.elect();
    await timers.pass(10 * INTERVAL_MS);
    expect(publisher.changes).toEqual([]);
    expect(daemon.registry.endpoints.get(KEY)?.status).toBe('unknown');
    expect(outcomes.length).toBeGreaterThan(5);
    expect(new Set(outcomes)).toEqual(new Set(['inconclusive']));
  });

  it('says that the last leader had services that it does not know', async () => {
    const log = pino({ level: 'silent' });
    const warn = vi.spyOn(log, 'warn');
    const { publisher } = await start(1, log);
    const head = { epoch: 0, version: 3, timestampMs: 1, publisher: 'other', endpoints: new Map() };
    publisher.elect({ ...head, services: new Set(['default/chat/80']) });
    expect(warn).not.toHaveBeenCalled();
    publisher.elect({ ...head, services: new Set(['default/chat/80', 'default/shop/80']) });
    const detail = { services: ['default/shop/80'], count: 1, publisher: 'other' };
    expect(warn).toHaveBeenCalledExactlyOnceWith(detail, expect.stringContaining('this configuration has not'));
  });

  it('stops when it is deposed, and goes on from the stored table when it is elected again', async () => {
    const { timers, publisher, probed } = await start();
    publisher.elect();
    await timers.pass(0);
    publisher.depose();
    const [before, changes] = [probed(), publisher.changes.length];
    await timers.pass(20 * INTERVAL_MS);
    expect([probed(), publisher.changes.length]).toEqual([before, changes]);
    const record = { address: '10.0.0.1', port: 9000, why: 'refused', sinceMs: 5, probedAtMs: 6, probeMs: 1 } as const;
    publisher.epoch = 2;
    const head = { epoch: 2, version: 3, timestampMs: 1, publisher: 'other', services: new Set<string>() };
    publisher.elect({ ...head, endpoints: new Map([[KEY, { ...record, status: 'unhealthy' }]]) });
    expect(publisher.tables.at(-1)?.get(KEY)).toEqual({ ...record, status: 'unhealthy' });
    await timers.pass(1.1 * INTERVAL_MS);
    expect(probed()).toBe(before + 1);
  });

  it('knows better than a table of its own reign or of one before', async () => {
    const { timers, publisher, answer } = await start();
    answer.now = { healthy: false, why: 'refused', elapsedMs: 1 };
    publisher.elect();
    await timers.pass(2.1 * INTERVAL_MS);
    const known = publisher.changes.at(-1)?.set[0]?.[1];
    expect(known?.status).toBe('unhealthy');
    publisher.depose();
    const record = { address: '10.0.0.1', port: 9000, why: '', sinceMs: 5, probedAtMs: 6, probeMs: 1 } as const;
    const head = { epoch: 1, version: 3, timestampMs: 1, publisher: 'this', services: new Set<string>() };
    publisher.elect({ ...head, endpoints: new Map([[KEY, { ...record, status: 'healthy' }]]) });
    expect(publisher.tables.at(-1)?.get(KEY)).toMatchObject({ status: 'unhealthy', why: 'refused' });
  });

  it('does not begin a reign that comes while it closes', async () => {
    const { timers, publisher, daemon } = await start();
    await daemon.close();
    publisher.elect();
    expect({ leading: daemon.leading, pending: timers.pending }).toEqual({ leading: false, pending: 0 });
  });

  it('close leaves no timer and gives the lease back', async () => {
    const { timers, publisher, daemon, probed } = await start();
    publisher.elect();
    await daemon.close();
    await timers.pass(10 * INTERVAL_MS);
    expect({ closed: publisher.closed, pending: timers.pending, probed: probed() }).toEqual({
      closed: 1,
      pending: 0,
      probed: 0,
    });
  });
});
