/** The health bus over a real Redis while nothing goes wrong: order, size, isolation. */
import { change, contents, keyOf, record, setStatus, table } from '@sluice/shared/health/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis.js';
import { holds, Leader, Subscribed } from '../support/redis-bus.js';

let redis: RedisServer;
let open: { readonly bus: { close(): Promise<void> } }[];

beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis.close());
beforeEach(() => {
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map(({ bus }) => bus.close()));
  await redis.run((client) => client.flushall());
});

function keep<T extends { readonly bus: { close(): Promise<void> } }>(one: T): T {
  open.push(one);
  return one;
}

it('brings the first table to a subscriber that was there before the leader', async () => {
  const subscribed = keep(new Subscribed(redis.options()));
  const leader = keep(new Leader(redis.options()));
  const shown = await subscribed.shows(holds(1, 2));
  expect(shown).toMatchObject({ epoch: leader.bus.epoch, version: 0, publisher: 'a' });
  expect(leader.elections).toEqual([{ stored: null, epoch: leader.bus.epoch }]);
  expect(leader.bus.epoch).toBeGreaterThan(Date.now() - 60_000);
});

it('brings the table to a subscriber that comes later', async () => {
  const leader = keep(new Leader(redis.options()));
  await leader.leads();
  leader.set(1, 2, 3);
  await keep(new Subscribed(redis.options())).shows(holds(1, 2, 3));
});

it('brings changes in order, as changes, without reading again', async () => {
  const leader = keep(new Leader(redis.options()));
  const subscribed = keep(new Subscribed(redis.options()));
  await subscribed.shows(holds(1, 2));
  const { rereads } = subscribed.bus.stats;
  const first = subscribed.recorder.seen.length;
  for (let version = 1; version <= 20; version += 1) {
    leader.bus.publish(setStatus(1, version % 2 === 0 ? 'healthy' : 'unhealthy'));
    await subscribed.shows((shown) => expect(shown.version).toBe(version));
  }
  expect(subscribed.recorder.seen.slice(first).map(({ version }) => version)).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  expect(subscribed.recorder.changes.at(-1)).toEqual(setStatus(1, 'healthy'));
  expect(subscribed.bus.stats.rereads).toBe(rereads);
  expect(subscribed.bus.stats.lastHeartbeatMs).toBeGreaterThan(0);
});

it('sends the changes of one turn as one', async () => {
  const leader = keep(new Leader(redis.options()));
  const subscribed = keep(new Subscribed(redis.options()));
  await subscribed.shows(holds(1, 2));
  for (let port = 1; port <= 500; port += 1) leader.bus.publish(setStatus(port, 'unhealthy'));
  leader.bus.publish(change({ addServices: ['a/b/1'] }));
  const shown = await subscribed.shows(({ services }) => expect(services.has('a/b/1')).toBe(true));
  expect(shown.version).toBe(1);
  expect(shown.endpoints.size).toBe(500);
});

it('carries 10 000 endpoints, whole and changed all at once', async () => {
  const ports = Array.from({ length: 10_000 }, (_, index) => index + 1);
  const leader = keep(new Leader(redis.options()));
  const subscribed = keep(new Subscribed(redis.options()));
  await leader.leads();
  leader.set(...ports);
  await subscribed.shows(holds(...ports));
  leader.bus.publish(
    change({ set: ports.map((port) => [keyOf(port), record(port, 'unhealthy', 'connection refused')]) }),
  );
  await subscribed.shows(({ endpoints }) => {
    expect([...endpoints.values()].filter(({ status }) => status === 'unhealthy')).toHaveLength(10_000);
  });
  leader.bus.publish(change({ remove: ports.slice(1).map(keyOf) }));
  await subscribed.shows(({ endpoints }) => expect(endpoints.size).toBe(1));
});

it('keeps two gateways on one Redis apart: by prefix, and by database', async () => {
  const ways = [{}, { prefix: 'other' }, { url: `${redis.url}/1` }];
  const leaders = ways.map((parts) => keep(new Leader(redis.options(parts))));
  const subscribers = ways.map((parts) => keep(new Subscribed(redis.options(parts))));
  await Promise.all(leaders.map((leader) => leader.leads()));
  leaders.forEach((leader, index) => {
    leader.set(10 + index);
  });
  await Promise.all(subscribers.map((subscribed, index) => subscribed.shows(holds(10 + index))));
  const publishers = subscribers.map(
    ({ recorder }) => new Set(recorder.seen.flatMap(({ endpoints }) => [...endpoints.keys()])),
  );
  expect(publishers[0]?.has(keyOf(11)) || publishers[0]?.has(keyOf(12))).toBe(false);
  const keys = await redis.run((client) => client.keys('*'));
  expect(keys.filter((key) => !key.startsWith('sluice:{health}:') && !key.startsWith('other:{health}:'))).toEqual([]);
});

it('passes over what is not the bus on its channel', async () => {
  const leader = keep(new Leader(redis.options()));
  const subscribed = keep(new Subscribed(redis.options()));
  await subscribed.shows(holds(1, 2));
  const forged = { ...table({ epoch: 1, version: 99 }), type: 'heartbeat' };
  await redis.run(async (client) => {
    for (const text of ['', 'nonsense', '{"type":"delta"}', JSON.stringify(forged)]) {
      await client.publish('sluice:{health}:bus', text);
    }
  });
  leader.set(3);
  await subscribed.shows(holds(3));
  expect(subscribed.orderFaults()).toEqual([]);
});

it('hands over at once when the leader closes, and the successor knows its table', async () => {
  const leader = keep(new Leader(redis.options(), 'a'));
  await leader.leads();
  const successor = keep(new Leader(redis.options(), 'b'));
  const subscribed = keep(new Subscribed(redis.options()));
  leader.set(1, 2, 3);
  await subscribed.shows(holds(1, 2, 3));
  // Not yet sent when it closes: it goes out first.
  leader.set(4);
  await leader.bus.close();
  expect(leader.bus.leading).toBe(false);
  expect(leader.bus.epoch).toBe(0);
  await successor.leads();
  expect(contents(successor.elections[0]?.stored ?? null)).toEqual(
    contents({ services: table().services, endpoints: new Map([[keyOf(4), record(4)]]) }),
  );
  await subscribed.shows(({ publisher }) => expect(publisher).toBe('b'));
  expect(subscribed.orderFaults()).toEqual([]);
});

it('leaves nothing behind when it is closed', async () => {
  const leader = new Leader(redis.options());
  const subscribed = new Subscribed(redis.options());
  await subscribed.shows(holds(1, 2));
  await Promise.all([leader.bus.close(), leader.bus.close(), subscribed.bus.close(), subscribed.bus.close()]);
  await redis.run(async (client) => {
    expect(await client.exists('sluice:{health}:lease')).toBe(0);
    await eventually(async () => expect(String(await client.client('LIST'))).not.toContain('name=sluice-'));
  });
});
