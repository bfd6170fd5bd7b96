/** Leadership over Redis: whatever happens to a leader, another leads soon, and the former one does no harm. */
import { record } from '@sluice/shared/health/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis.js';
import { Subscribed } from '../support/redis-bus.js';
import { RedisDaemon } from '../support/redis-daemon.js';

/** What is promised, and what a busy machine may add before a test fails. */
const TAKEOVER_MS = 3_000;
const BUSY_MS = 3_000;

let redis: RedisServer;
let subscribed: Subscribed;
let daemons: RedisDaemon[];

beforeEach(async () => {
  redis = await RedisServer.start();
  subscribed = new Subscribed(redis.options());
  daemons = [];
});
afterEach(async () => {
  await Promise.all(daemons.map((daemon) => daemon.kill()));
  await subscribed.bus.close();
  await redis.close();
});

function start(identity: string): RedisDaemon {
  const daemon = new RedisDaemon(redis.options(), identity);
  daemons.push(daemon);
  return daemon;
}

async function follows(identity: string): Promise<void> {
  await subscribed.shows(({ publisher }) => expect(publisher).toBe(identity), 30_000);
}

it('another daemon leads within 3 s of a kill, from the table that was', async () => {
  const first = start('first');
  await follows('first');
  const second = start('second');
  await subscribed.shows(({ endpoints }) => expect(endpoints.size).toBeGreaterThan(10));
  expect(second.elections).toEqual([]);
  const killedAt = performance.now();
  await first.kill();
  const election = await second.elected();
  expect(performance.now() - killedAt).toBeLessThan(TAKEOVER_MS + BUSY_MS);
  expect(election.stored).toBeGreaterThan(10);
  expect(election.epoch).toBeGreaterThan(first.elections[0]?.epoch ?? Number.POSITIVE_INFINITY);
  await follows('second');
  expect(subscribed.orderFaults()).toEqual([]);
  // The takeover was quicker than the state needs to become stale, unless the machine was slow.
  expect(subscribed.recorder.states.length).toBeLessThanOrEqual(3);
});

it('a leader that is stopped and wakes up publishes nothing more, and stands by', async () => {
  const first = start('first');
  await follows('first');
  const second = start('second');
  first.signal('SIGSTOP');
  await second.elected();
  await follows('second');
  const epoch = subscribed.bus.table?.epoch ?? 0;
  first.signal('SIGCONT');
  await eventually(() => expect(first.depositions).toHaveLength(1), { budgetMs: 10_000 });
  const { version } = subscribed.bus.table ?? { version: 0 };
  await subscribed.shows((table) => expect(table.version).toBeGreaterThan(version + 20));
  const after = subscribed.recorder.seen.filter((table) => table.epoch >= epoch);
  expect(new Set(after.map(({ publisher }) => publisher))).toEqual(new Set(['second']));
  expect(subscribed.orderFaults()).toEqual([]);
  expect(first.elections).toHaveLength(1);
});

it('what a stopped leader had under way is refused by Redis when it arrives late', async () => {
  const first = start('first');
  await follows('first');
  // Redis stands still with the leader's writes in its sockets; then the lease is over and another's.
  const lease = await redis.run((client) => client.get('sluice:{health}:lease'));
  redis.pause();
  await eventually(() => expect(first.depositions).toHaveLength(1), { budgetMs: 10_000 });
  await first.kill();
  redis.resume();
  start('second');
  await follows('second');
  expect(await redis.run((client) => client.get('sluice:{health}:lease'))).not.toBe(lease);
  expect(subscribed.orderFaults()).toEqual([]);
});

it('two leaders never reign with one epoch, and every table that is shown is whole', async () => {
  for (const identity of ['a', 'b', 'c']) start(identity);
  const reigns: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const table = await subscribed.shows(({ epoch }) => expect(reigns).not.toContain(epoch));
    reigns.push(table.epoch);
    const leader = daemons.find(({ identity }) => identity === table.publisher);
    if (round < 2) await leader?.kill();
  }
  expect(reigns).toEqual([...reigns].sort((a, b) => a - b));
  const epochs = daemons.flatMap(({ elections }) => elections.map(({ epoch }) => epoch));
  expect(new Set(epochs).size).toBe(epochs.length);
  expect(subscribed.orderFaults()).toEqual([]);
  // Daemons only ever add endpoints to what they found: a takeover that forgot one would show.
  const sizes = subscribed.recorder.seen.map(({ endpoints }) => endpoints.size);
  expect(sizes).toEqual([...sizes].sort((one, other) => one - other));
  for (const shown of subscribed.bus.table?.endpoints.values() ?? []) {
    expect(shown).toEqual(record(shown.port, 'healthy', shown.why));
  }
});

it('a lease that never ends, because somebody else wrote it, is outlived', async () => {
  await redis.run((client) => client.set('sluice:{health}:lease', 'somebody'));
  start('first');
  await follows('first');
});

it('a lease that lasts an hour, because the clock of Redis was set back, is outlived', async () => {
  await redis.run((client) => client.set('sluice:{health}:lease', 'somebody', 'EX', 3_600));
  start('first');
  await follows('first');
});

it('an epoch and a table of another type, because somebody else wrote them, are replaced', async () => {
  await redis.run(async (client) => {
    await client.hset('sluice:{health}:epoch', { a: 'b' });
    await client.set('sluice:{health}:table', 'nonsense');
  });
  start('first');
  await follows('first');
});

it.each(['nonsense', '', '1e300'])(
  'a version that is "%s", because somebody else wrote it, is replaced',
  async (version) => {
    start('first');
    await follows('first');
    await redis.run(async (client) => {
      await client.hset('sluice:{health}:table', 'version', version);
      await eventually(async () => expect(await client.hget('sluice:{health}:table', 'version')).toMatch(/^\d+$/));
    });
  },
);

it('an epoch and a table that make no sense, because somebody else wrote them, are replaced', async () => {
  await redis.run(async (client) => {
    await client.set('sluice:{health}:epoch', '1e300');
    await client.hset('sluice:{health}:table', { epoch: '1e300', 'e:x': 'nonsense' });
  });
  const first = start('first');
  await follows('first');
  expect(await first.elected()).toMatchObject({ seeded: false });
  expect(Number.isSafeInteger(subscribed.bus.table?.epoch)).toBe(true);
});
