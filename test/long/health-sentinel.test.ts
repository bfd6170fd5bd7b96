/**
 * A Sentinel group of one master, one replica and three sentinels fails over under two gateways and two daemons while
 * connections talk: none ends, none stalls, and what a backend did meanwhile is known within seconds after it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { HealthWorld } from '../support/health-world.js';
import { RedisServer } from '../support/redis.js';

const TALKERS = 500;
const STALL_MS = 2_500;
const BUDGET_MS = 90_000;
const slow = { budgetMs: BUDGET_MS, intervalMs: 200 };

/** The two servers; which of them is the master changes. */
let servers: readonly [RedisServer, RedisServer];
let sentinels: readonly RedisServer[] = [];
let world: HealthWorld;

beforeAll(async () => {
  const master = await RedisServer.start();
  servers = [master, await RedisServer.start({ args: ['--replicaof', '127.0.0.1', String(master.port)] })];
  sentinels = await Promise.all([0, 1, 2].map(() => RedisServer.start({ sentinelOf: master.port })));
  for (const sentinel of sentinels) await eventually(() => knowsTheGroup(sentinel), slow);
  world = await HealthWorld.start({
    talkers: TALKERS,
    redis: {
      redis: 'redis://localhost',
      'redis-sentinels': sentinels.map(({ port }) => `127.0.0.1:${port}`).join(','),
      'redis-master': 'main',
    },
  });
});
afterAll(async () => {
  await world?.close();
  for (const server of [...(servers ?? []), ...sentinels]) await server.close();
});

async function knowsTheGroup(sentinel: RedisServer): Promise<void> {
  const fields = await sentinel.run((client) => client.call('SENTINEL', ['master', 'main']) as Promise<string[]>);
  const fieldOf = (name: string): string | undefined => fields[fields.indexOf(name) + 1];
  expect([fieldOf('num-slaves'), fieldOf('num-other-sentinels')]).toEqual(['1', '2']);
}

async function becomes(server: RedisServer, role: 'master' | 'slave'): Promise<void> {
  await eventually(async () => {
    const [is] = (await server.run((client) => client.call('ROLE', []))) as [string];
    expect(is).toBe(role);
  }, slow);
}

/** The bus lives on this server now. */
async function carries(server: RedisServer): Promise<void> {
  await eventually(
    async () => expect(await server.run((client) => client.exists('sluice:{health}:lease'))).toBe(1),
    slow,
  );
}

test('the master dies, and comes back later as the replica', async () => {
  const [master, replica] = servers;
  await carries(master);
  await world.survives(
    'master killed',
    async (during) => {
      await master.kill();
      await during();
      await becomes(replica, 'master');
    },
    STALL_MS,
  );
  await carries(replica);
  await master.start();
  await becomes(master, 'slave');
  servers = [replica, master];
});

test('the master stands still, and wakes up when another one is', async () => {
  const [master, replica] = servers;
  await world.survives(
    'master stopped',
    async (during) => {
      master.pause();
      try {
        await during();
        await becomes(replica, 'master');
        await world.fresh();
        await world.right();
      } finally {
        master.resume();
      }
      await becomes(master, 'slave');
    },
    STALL_MS,
  );
  await carries(replica);
  servers = [replica, master];
});

test('a failover is ordered', async () => {
  const [, replica] = servers;
  await world.survives(
    'failover ordered',
    async (during) => {
      await during();
      await eventually(() => sentinels[0]?.run((client) => client.call('SENTINEL', ['failover', 'main'])), slow);
      await becomes(replica, 'master');
    },
    STALL_MS,
  );
  await carries(replica);
});

test('at the end every connection is closed in order, and nothing is left of them', async () => {
  await world.end();
});
