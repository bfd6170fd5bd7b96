/** The health bus on a Sentinel group: a master, a replica and three sentinels, whose master dies or stands still. */
import type { SentinelAddress } from '@sluice/shared/health/redis/options';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis.js';
import { holds, Leader, Subscribed } from '../support/redis-bus.js';

const BUDGET_MS = 90_000;

let master: RedisServer;
let replica: RedisServer;
let sentinels: RedisServer[];
let leader: Leader;
let subscribed: Subscribed;

beforeEach(async () => {
  master = await RedisServer.start();
  replica = await RedisServer.start({ args: ['--replicaof', '127.0.0.1', String(master.port)] });
  sentinels = await Promise.all([0, 1, 2].map(() => RedisServer.start({ sentinelOf: master.port })));
  const addresses: SentinelAddress[] = sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
  // Every sentinel knows of the replica and of the two others, so that a failover can be agreed on.
  for (const sentinel of sentinels)
    await eventually(() => knowsTheGroup(sentinel), { budgetMs: BUDGET_MS, intervalMs: 200 });
  const options = master.options({ url: 'redis://localhost', sentinels: addresses, master: 'main' });
  leader = new Leader(options);
  subscribed = new Subscribed(options);
});
afterEach(async () => {
  await Promise.all([leader.bus.close(), subscribed.bus.close()]);
  await Promise.all([master, replica, ...sentinels].map((server) => server.close()));
});

async function knowsTheGroup(sentinel: RedisServer): Promise<void> {
  const fields = await sentinel.run((client) => client.call('SENTINEL', ['master', 'main']) as Promise<string[]>);
  const fieldOf = (name: string): string | undefined => fields[fields.indexOf(name) + 1];
  expect([fieldOf('num-slaves'), fieldOf('num-other-sentinels')]).toEqual(['1', '2']);
}

async function isPromoted(): Promise<void> {
  await eventually(
    async () => {
      const [role] = (await replica.run((client) => client.call('ROLE', []))) as [string];
      expect(role).toBe('master');
    },
    { budgetMs: BUDGET_MS, intervalMs: 200 },
  );
}

/** What is published now arrives, by way of the promoted replica. */
async function works(port: number): Promise<void> {
  await eventually(() => expect(leader.bus.leading).toBe(true), { budgetMs: BUDGET_MS });
  leader.set(port);
  await subscribed.shows(holds(port), BUDGET_MS);
  // An ordered failover promotes first; the former master takes writes until it is told.
  await eventually(async () => expect(await replica.run((client) => client.exists('sluice:{health}:lease'))).toBe(1), {
    budgetMs: BUDGET_MS,
    intervalMs: 200,
  });
}

it('follows a failover when the master dies, also when it comes back', async () => {
  await subscribed.shows(holds(1, 2), BUDGET_MS);
  await master.kill();
  await isPromoted();
  await works(3);
  // It returns believing that it is the master, empty; the sentinels make it a replica.
  await master.start();
  await eventually(
    async () => {
      const [role] = (await master.run((client) => client.call('ROLE', []))) as [string];
      expect(role).toBe('slave');
    },
    { budgetMs: BUDGET_MS, intervalMs: 200 },
  );
  await works(4);
  expect(subscribed.orderFaults()).toEqual([]);
});

it('follows a failover when the master stands still and wakes up later', async () => {
  await subscribed.shows(holds(1, 2), BUDGET_MS);
  master.pause();
  await isPromoted();
  await works(3);
  master.resume();
  await works(4);
  expect(subscribed.orderFaults()).toEqual([]);
});

it('goes on while one sentinel is away, and follows an ordered failover', async () => {
  await subscribed.shows(holds(1, 2), BUDGET_MS);
  await sentinels[0]?.kill();
  await sentinels[1]?.run((client) => client.call('SENTINEL', ['failover', 'main']));
  await isPromoted();
  await works(3);
  await works(4);
});
