/** What the chaos test does to its world, as data: each fault undoes itself after a random while. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Healthd } from '../healthd.js';
import type { Random } from '../random.js';
import type { RedisServer } from '../redis.js';
import type { Fleet, Span } from './fleet.js';

export interface World {
  readonly fleet: Fleet;
  readonly redis: RedisServer;
  readonly daemons: Healthd[];
  /** Starts a daemon in the place of one that was killed. */
  readonly startDaemon: () => Promise<Healthd>;
  /** When the bus could carry no verdict: Redis gone or paused, or the moment that a daemon, perhaps the leader, went. */
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

/** A daemon, perhaps the leader, is gone from one moment to the next; the other one is left alone meanwhile. */
async function tormentDaemon(world: World, random: Random, run: (index: number) => Promise<void>): Promise<void> {
  const nowMs = performance.now();
  world.busOutages.push({ fromMs: nowMs, toMs: nowMs });
  await run(random.between(0, world.daemons.length - 1));
}

const BACKEND_FAULTS: readonly ChaosFault[] = [
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
      await delay(random.between(500, 12_000));
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
];

const BUS_FAULTS: readonly ChaosFault[] = [
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
      tormentDaemon(world, random, async (index) => {
        await world.daemons[index]?.close();
        await delay(random.between(100, 3_000));
        world.daemons[index] = await world.startDaemon();
      }),
  },
  {
    name: 'a daemon is paused, and woken',
    weight: 2,
    run: (world, random) =>
      tormentDaemon(world, random, async (index) => {
        world.daemons[index]?.child.kill('SIGSTOP');
        await delay(random.between(500, 6_000));
        world.daemons[index]?.child.kill('SIGCONT');
      }),
  },
];

/** Faults that run side by side, one of a lane at a time; a lane rests between two for up to `restMs`. */
export const LANES = [
  { faults: BACKEND_FAULTS, restMs: 1_000 },
  { faults: BUS_FAULTS, restMs: 12_000 },
] as const;

/** One of the faults, by weight. */
export function pickFault(faults: readonly ChaosFault[], random: Random): ChaosFault {
  return random.pick(faults.flatMap((fault) => Array.from({ length: fault.weight }, () => fault)));
}
