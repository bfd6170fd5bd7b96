/**
 * Whatever happens to Redis or to the leading daemon while 500 connections talk through two gateways: none of them ends,
 * none stalls, and the death of a backend in the middle of it is known in both gateways within seconds after it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { HealthWorld } from '../support/health-world.js';
import { RedisServer } from '../support/redis.js';

const TALKERS = 500;
/** Above what two cores with all these processes take for an echo, far below any timeout of the bus. */
const STALL_MS = 2_500;
const PAUSE_MS = 30_000;

let redis: RedisServer;
let world: HealthWorld;

beforeAll(async () => {
  redis = await RedisServer.start();
  world = await HealthWorld.start({ talkers: TALKERS, redis: { redis: redis.url } });
});
afterAll(async () => {
  await world?.close();
  await redis?.close();
});

test('Redis is killed, and comes back empty when everybody has noticed', async () => {
  await world.survives(
    'Redis away',
    async (during) => {
      await redis.kill();
      await world.stale();
      await during();
      await redis.start();
    },
    STALL_MS,
  );
});

test('Redis is restarted at once, empty', async () => {
  await world.survives(
    'Redis restarted',
    async (during) => {
      await redis.kill();
      await during();
      await redis.start();
    },
    STALL_MS,
  );
});

test('Redis loses everything', async () => {
  await world.survives(
    'Redis flushed',
    async (during) => {
      await during();
      await redis.run((client) => client.flushall());
    },
    STALL_MS,
  );
});

test('Redis stands still for 30 s', async () => {
  await world.survives(
    'Redis stopped',
    async (during) => {
      const beganMs = performance.now();
      redis.pause();
      try {
        await world.stale();
        await during();
        await eventually(() => expect(performance.now() - beganMs).toBeGreaterThan(PAUSE_MS), {
          budgetMs: PAUSE_MS + 5_000,
        });
      } finally {
        redis.resume();
      }
    },
    STALL_MS,
  );
});

test('the leader is killed, and another daemon is started', async () => {
  await world.survives(
    'leader killed',
    async (during) => {
      await world.kill(await world.leader());
      await during();
      await world.leader();
    },
    STALL_MS,
  );
  await world.addDaemon();
  await world.leader();
});

test('the leader stands still, and wakes up when another one leads', async () => {
  await world.survives(
    'leader stopped',
    async (during) => {
      const former = await world.leader();
      former.child.kill('SIGSTOP');
      try {
        await during();
        expect(await world.leader(former)).not.toBe(former);
        await world.right();
      } finally {
        former.child.kill('SIGCONT');
      }
      expect(await world.leader()).not.toBe(former);
    },
    STALL_MS,
  );
});

test('both daemons are killed, and start again later', async () => {
  await world.survives(
    'no daemon',
    async (during) => {
      for (const daemon of [...world.daemons]) await world.kill(daemon);
      await world.stale();
      await during();
      await world.addDaemon();
      await world.addDaemon();
    },
    STALL_MS,
  );
});

test('at the end every connection is closed in order, and nothing is left of them', async () => {
  await world.end();
});
