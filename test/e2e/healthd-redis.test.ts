/**
 * Two health daemons and a real Redis: one leads and probes, the other stands by; when the leader dies the other takes
 * over in time and forgets nothing; when it is told to end, at once.
 */
import type { StatusTable } from '@sluice/shared/health/table';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { findRecord, Healthd } from '../support/healthd.js';
import { ProbedBackend } from '../support/healthd-backend.js';
import { probedServices } from '../support/healthd-manifests.js';
import { RedisServer } from '../support/redis.js';
import { Subscribed } from '../support/redis-bus.js';
import type { Closable } from '../support/scenario.js';

const POLICY = { interval: '200ms', timeout: '400ms', healthyThreshold: 1, unhealthyThreshold: 2 };
/** From the leader's death to another one: its lease, and a round of asking for it. */
const TAKEOVER_MS = 3000;
/** What a busy machine may add. */
const SLACK_MS = 4000;
const BUDGET_MS = 20_000;

const open: Closable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

function own<T extends Closable>(closable: T): T {
  open.push(closable);
  return closable;
}

/** Redis, a healthy and an unhealthy endpoint, a subscriber, and one daemon that has judged both. */
async function scene() {
  const redis = own(await RedisServer.start());
  const [good, bad] = [own(await ProbedBackend.start()), own(await ProbedBackend.start())];
  bad.answer(500);
  const config = probedServices(
    ...[good, bad].map(({ address, port }, index) => {
      return { name: `s${index}`, slice: { type: 'IPv4', port, endpoints: [{ address }] }, policy: POLICY } as const;
    }),
  );
  const bus = new Subscribed(redis.options());
  own(bus.bus);
  const first = own(await Healthd.start(config, redis.url));
  const judged = (table: StatusTable) => [
    findRecord(table, `:${good.port}`, { status: 'healthy' }),
    findRecord(table, `:${bad.port}`, { status: 'unhealthy' }),
  ];
  const table = await bus.shows((shown) => void judged(shown));
  return { redis, good, bad, config, bus, first, judged, table };
}

type Scene = Awaited<ReturnType<typeof scene>>;

/** A second daemon that has found that it is not needed. */
async function standby({ config, redis }: Scene): Promise<Healthd> {
  const daemon = own(await Healthd.start(config, redis.url));
  await eventually(
    async () => expect(await daemon.ask('/readyz')).toEqual({ status: 200, body: 'ready: stands by\n' }),
    { budgetMs: BUDGET_MS },
  );
  return daemon;
}

async function probesOf(daemon: Healthd): Promise<number> {
  const { body } = await daemon.ask('/metrics');
  return [...body.matchAll(/^sluice_probes_total\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Waits for the first table of a daemon; says how long that took. */
async function publishedBy(bus: Subscribed, daemon: Healthd, budgetMs: number) {
  const beganMs = performance.now();
  const table = await bus.shows(({ publisher }) => expect(publisher).toMatch(new RegExp(`/${daemon.pid}$`)), budgetMs);
  return { table, elapsedMs: performance.now() - beganMs };
}

test('only the leader probes and publishes', async () => {
  const all = await scene();
  const second = await standby(all);
  await all.good.asked(10);
  expect(await all.first.ask('/readyz')).toEqual({ status: 200, body: 'ready: leads\n' });
  expect(await probesOf(second)).toBe(0);
  expect(await probesOf(all.first)).toBeGreaterThan(10);
  expect(new Set(all.bus.recorder.seen.map(({ publisher }) => publisher)).size).toBe(1);
});

test('a leader that is killed is followed in time by one that has forgotten nothing', async () => {
  const all = await scene();
  const { first, bus, judged, good, bad } = all;
  const before = judged(all.table).map(({ sinceMs }) => sinceMs);
  const second = await standby(all);
  const shown = bus.recorder.seen.length;
  first.child.kill('SIGKILL');
  const { table, elapsedMs } = await publishedBy(bus, second, TAKEOVER_MS + SLACK_MS);
  console.log(`takeover after a kill: ${Math.round(elapsedMs)} ms`);
  expect(table.epoch).toBeGreaterThan(all.table.epoch);
  expect(judged(table).map(({ sinceMs }) => sinceMs)).toEqual(before);
  // Nothing that was shown on the way says anything else.
  for (const each of bus.recorder.seen.slice(shown)) judged(each);
  bad.answer(200);
  await bus.shows((each) => void findRecord(each, `:${bad.port}`, { status: 'healthy' }));
  await good.close();
  await bus.shows((each) => void findRecord(each, `:${good.port}`, { status: 'unhealthy' }));
});

test('a leader that is told to end gives the lease back: the other leads at once', async () => {
  const all = await scene();
  const second = await standby(all);
  all.first.child.kill('SIGTERM');
  const { elapsedMs } = await publishedBy(all.bus, second, TAKEOVER_MS + SLACK_MS);
  console.log(`takeover after a hand-over: ${Math.round(elapsedMs)} ms`);
  expect(await all.first.end()).toEqual({ code: 0, signal: null });
});

test('a leader that stands still is replaced, and stands by when it goes on', async () => {
  const all = await scene();
  const { first, bus } = all;
  const second = await standby(all);
  first.child.kill('SIGSTOP');
  await publishedBy(bus, second, TAKEOVER_MS + SLACK_MS);
  first.child.kill('SIGCONT');
  await eventually(async () => expect((await first.ask('/readyz')).body).toBe('ready: stands by\n'), {
    budgetMs: BUDGET_MS,
  });
  const probes = await probesOf(first);
  await all.good.asked(5);
  expect(await probesOf(first)).toBe(probes);
  expect(bus.orderFaults()).toEqual([]);
});

test('a Redis that answers nothing does not hold up the end', async () => {
  const { redis, first } = await scene();
  redis.pause();
  first.child.kill('SIGTERM');
  expect(await first.end()).toEqual({ code: 0, signal: null });
});

test('Redis that was away and comes back empty has the table again', async () => {
  const { redis, bus, judged, first } = await scene();
  await redis.kill();
  await eventually(async () => expect((await first.ask('/readyz')).status).toBe(503), { budgetMs: BUDGET_MS });
  await redis.start();
  await bus.shows((table) => void judged(table));
  await eventually(async () => expect((await first.ask('/readyz')).body).toBe('ready: leads\n'), {
    budgetMs: BUDGET_MS,
  });
});
