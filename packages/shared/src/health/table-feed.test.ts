import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { STALE_AFTER_MS } from './table.js';
import { heartbeatOf } from './table-codec.js';
import { TableFeed, WATCH_INTERVAL_MS } from './table-feed.js';
import { Recorder, setStatus, table } from './testing.js';

const log = pino({ level: 'silent' });

class Bench {
  readonly feed = new TableFeed(log, 0);
  readonly recorder = new Recorder();
  now = 0;

  constructor() {
    this.feed.start(this.recorder);
  }

  /** Lets time pass, with the watch in its rhythm. Returns how often it asked for new connections. */
  pass(ms: number): number {
    let asked = 0;
    for (const end = this.now + ms; this.now < end; ) {
      this.now += WATCH_INTERVAL_MS;
      if (this.feed.watch(this.now)) asked += 1;
    }
    return asked;
  }

  hear(version = 0, epoch = 10): boolean {
    return this.feed.receive(heartbeatOf(table({ version, epoch })), this.now);
  }
}

describe('TableFeed', () => {
  it('is fresh with the first heartbeat that confirms the table', () => {
    const { feed, recorder, ...bench } = new Bench();
    expect(feed.state).toMatchObject({ fresh: false, reason: 'no table has been published yet' });
    feed.replace(table());
    expect(feed.state).toMatchObject({ fresh: false, reason: 'waiting for the first heartbeat' });
    feed.receive(heartbeatOf(table()), bench.now);
    expect(feed.state).toMatchObject({ fresh: true, reason: '' });
    expect(recorder.states).toMatchObject([{ fresh: true }]);
    expect(recorder.tables).toEqual([table()]);
  });

  it('is stale after 3 intervals without a heartbeat, says so once, and asks for new connections less and less', () => {
    const bench = new Bench();
    bench.feed.replace(table());
    bench.hear();
    expect(bench.pass(STALE_AFTER_MS - WATCH_INTERVAL_MS)).toBe(0);
    expect(bench.feed.state.fresh).toBe(true);
    expect(bench.pass(WATCH_INTERVAL_MS)).toBe(1);
    expect(bench.recorder.states).toMatchObject([
      { fresh: true },
      { fresh: false, reason: expect.stringContaining('no heartbeat') },
    ]);
    expect(bench.pass(60_000)).toBeLessThan(8);
    expect(bench.recorder.states).toHaveLength(2);
    expect(bench.feed.table).not.toBeNull();
    bench.hear();
    expect(bench.feed.state.fresh).toBe(true);
  });

  it('says once that it is stale when nobody has confirmed its table from the start', () => {
    const lines: string[] = [];
    const write = (line: string): void => {
      lines.push((JSON.parse(line) as { msg: string }).msg);
    };
    const feed = new TableFeed(pino({ level: 'info' }, { write }), 0);
    feed.replace(table());
    for (let now = WATCH_INTERVAL_MS; now < STALE_AFTER_MS; now += WATCH_INTERVAL_MS) feed.watch(now);
    expect(lines).toEqual([]);
    for (let now = STALE_AFTER_MS; now < 30_000; now += WATCH_INTERVAL_MS) feed.watch(now);
    expect(lines).toEqual(['the health status is stale']);
    feed.receive(heartbeatOf(table()), 30_000);
    expect(lines).toEqual(['the health status is stale', 'the health status is fresh']);
  });

  it('is stale too when heartbeats come, but of a table that it cannot get', () => {
    const bench = new Bench();
    bench.feed.replace(table());
    bench.hear();
    for (let second = 0; second < 4; second += 1) {
      bench.pass(1_000);
      expect(bench.hear(1)).toBe(true);
    }
    expect(bench.feed.state.fresh).toBe(false);
  });

  it('does not count what a former leader says', () => {
    const bench = new Bench();
    bench.feed.replace(table());
    bench.hear();
    bench.pass(2_000);
    expect(bench.hear(3, 9)).toBe(false);
    expect(bench.pass(STALE_AFTER_MS - 2_000)).toBe(1);
  });

  it('shows an older table that was read only when a heartbeat has confirmed it', () => {
    const { feed, recorder, ...bench } = new Bench();
    feed.offer(table({ epoch: 20 }));
    feed.offer(table({ epoch: 10 }));
    expect(recorder.tables).toMatchObject([{ epoch: 20 }]);
    expect(feed.receive(heartbeatOf(table({ epoch: 10 })), bench.now)).toBe(false);
    expect(recorder.tables).toMatchObject([{ epoch: 20 }, { epoch: 10 }]);
    expect(feed.state.fresh).toBe(true);
  });

  it('gives arrivals a chance after it was held up itself', () => {
    const bench = new Bench();
    bench.feed.replace(table());
    bench.hear();
    expect(bench.feed.watch(10_000)).toBe(false);
    expect(bench.feed.state.fresh).toBe(true);
    expect(bench.feed.watch(10_000 + WATCH_INTERVAL_MS)).toBe(true);
  });

  it('says what the transport says while it is down', () => {
    const { feed } = new Bench();
    feed.transport('connect ECONNREFUSED');
    expect(feed.state.reason).toBe('connect ECONNREFUSED');
  });

  it('outlives a listener that throws', () => {
    const feed = new TableFeed(log, 0);
    const fail = (): never => {
      throw new Error('listener');
    };
    feed.start({ onTable: fail, onChange: fail, onState: fail });
    feed.replace(table());
    feed.receive(
      { type: 'delta', epoch: 10, version: 1, timestampMs: 1, publisher: 'a', ...setStatus(1, 'unhealthy') },
      0,
    );
    expect(feed.table?.version).toBe(1);
    expect(feed.state.fresh).toBe(true);
  });
});
