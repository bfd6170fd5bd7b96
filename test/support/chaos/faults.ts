/** What the chaos test does to its world, as data: each fault undoes itself after a random while. */
import { setTimeout as delay } from 'node:timers/promises';
import type { HealthdProcess } from '../healthd.js';
import type { Random } from '../random.js';
import type { RedisServer } from '../redis.js';
import type { Fleet, Span } from './fleet.js';

export interface World {
  readonly fleet: Fleet;
  readonly redis: RedisServer;
  readonly daemons: HealthdProcess[];
  /** Starts a daemon in the place of one that was killed. */
  readonly startDaemon: () => Promise<HealthdProcess>;
  /** When the bus could not carry a verdict: Redis gone or paused, or no daemon to lead. */
  readonly busOutages: Span[];
}

export interface ChaosFault {
  readonly name: string;
  readonly weight: number;
  run(world: World, random: Random): Promise<void>;
}

async function outage(world: World, during: () => Promise<void>): Promise<void> {
  const span: Span = { fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY };
  world.busOutages.push(span);
  try {
    await during();
  } finally {
    span.toMs = performance.now();
  }
}

export const FAULTS: readonly ChaosFault[] = [
  {
    name: 'a backend is killed, and comes back',
    weight: 4,
    run: async ({ fleet }, random) => {
      if (fleet.spare.length === 0) return;
      const member = random.pick(fleet.spare);
      member.kill();
      await delay(random.between(500, 6_000));
      await member.revive();
    },
  },
  {
    name: 'a backend hangs, and wakes up',
    weight: 4,
    run: async ({ fleet }, random) => {
      if (fleet.spare.length === 0) return;
      const member = random.pick(fleet.spare);
      member.hang();
      await delay(random.between(500, 8_000));
      member.wake();
    },
  },
  {
    name: 'a backend flaps',
    weight: 1,
    run: async ({ fleet }, random) => {
      if (fleet.spare.length === 0) return;
      const member = random.pick(fleet.spare);
      for (let left = 4; left > 0; left -= 1) {
        member.kill();
        await delay(random.between(100, 800));
        await member.revive();
        await delay(random.between(100, 800));
      }
    },
  },
  {
    name: 'Redis is killed, and comes back empty',
    weight: 1,
    run: (world, random) =>
      outage(world, async () => {
        await world.redis.kill();
        await delay(random.between(100, 6_000));
        await world.redis.start();
      }),
  },
  {
    name: 'Redis loses everything',
    weight: 1,
    run: (world) => outage(world, () => world.redis.run(async (client) => void (await client.flushall()))),
  },
  {
    name: 'Redis is paused',
    weight: 1,
    run: (world, random) =>
      outage(world, async () => {
        world.redis.pause();
        await delay(random.between(500, 8_000));
        world.redis.resume();
      }),
  },
  {
    name: 'a daemon is killed, and another one started',
    weight: 2,
    run: (world, random) =>
      outage(world, async () => {
        const index = random.between(0, world.daemons.length - 1);
        await world.daemons[index]?.kill();
        await delay(random.between(100, 3_000));
        world.daemons[index] = await world.startDaemon();
      }),
  },
  {
    name: 'a daemon is paused, and woken',
    weight: 2,
    run: (world, random) =>
      outage(world, async () => {
        const daemon = random.pick(world.daemons);
        daemon.child.kill('SIGSTOP');
        await delay(random.between(500, 6_000));
        daemon.child.kill('SIGCONT');
      }),
  },
];

/** One of the faults, by weight. */
export function pickFault(random: Random): ChaosFault {
  return random.pick(FAULTS.flatMap((fault) => Array.from({ length: fault.weight }, () => fault)));
}
