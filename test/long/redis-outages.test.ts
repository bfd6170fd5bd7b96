/** Everything that can happen to Redis or to the way there: the bus is stale meanwhile, says so, and heals by itself. */
import { spawnSync } from 'node:child_process';
import type { RedisOptions } from '@sluice/shared/health/redis/options';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis.js';
import { holds, Leader, Subscribed } from '../support/redis-bus.js';
import { RedisProxy } from '../support/redis-proxy.js';

let closing: (() => Promise<void>)[];
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => {
  unhandled.push(reason);
};

beforeEach(() => {
  closing = [];
  unhandled.length = 0;
  process.on('unhandledRejection', onUnhandled);
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
});

async function startRedis(settings = {}): Promise<RedisServer> {
  const redis = await RedisServer.start(settings);
  closing.push(() => redis.close());
  return redis;
}

function startBus(options: RedisOptions): { leader: Leader; subscribed: Subscribed } {
  const [leader, subscribed] = [new Leader(options), new Subscribed(options)];
  closing.push(async () => {
    await Promise.all([leader.bus.close(), subscribed.bus.close()]);
  });
  return { leader, subscribed };
}

describe('Redis itself', () => {
  it('is not there yet when both ends start', async () => {
    const redis = await startRedis({ down: true });
    const { leader, subscribed } = startBus(redis.options());
    await eventually(() => expect(subscribed.bus.state.reason).toContain('ECONNREFUSED'));
    expect(subscribed.bus.state).toMatchObject({ fresh: false });
    expect(subscribed.bus.table).toBeNull();
    expect(leader.bus.leading).toBe(false);
    await redis.start();
    await subscribed.shows(holds(1, 2));
  });

  it('is killed and comes back empty after a while', async () => {
    const redis = await startRedis();
    const { leader, subscribed } = startBus(redis.options());
    const before = await subscribed.shows(holds(1, 2));
    await redis.kill();
    expect(await subscribed.isStale()).toContain('ECONNREFUSED');
    expect(subscribed.bus.table).toEqual(before);
    await eventually(() => expect(leader.depositions).toEqual(['the lease could not be renewed in time']));
    await redis.start();
    await subscribed.shows(({ epoch }) => expect(epoch).toBeGreaterThan(before.epoch));
    expect(leader.elections).toHaveLength(2);
    expect(leader.elections[1]?.stored).toBeNull();
  });

  it('is restarted empty, so quickly that the leader still leads', async () => {
    const redis = await startRedis();
    const { leader, subscribed } = startBus(redis.options());
    const before = await subscribed.shows(holds(1, 2));
    await redis.kill();
    await redis.start();
    await subscribed.shows(({ epoch, version }) =>
      expect([epoch, version] > [before.epoch, before.version]).toBe(true),
    );
    leader.set(7);
    await subscribed.shows(holds(7));
    expect(subscribed.orderFaults()).toEqual([]);
  });

  it('is emptied by FLUSHALL: the leader writes the whole table again by itself', async () => {
    const redis = await startRedis();
    const { leader, subscribed } = startBus(redis.options());
    const before = await subscribed.shows(holds(1, 2));
    await redis.run((client) => client.flushall());
    await subscribed.shows(({ version }) => expect(version).toBeGreaterThan(before.version));
    await subscribed.shows(holds(1, 2));
    expect(leader.elections).toHaveLength(1);
    expect(leader.depositions).toEqual([]);
    expect(await redis.run((client) => client.hlen('sluice:{health}:table'))).toBe(7);
  });

  it('is emptied, and a leader with a clock far behind takes over: its lower epoch is accepted', async () => {
    const redis = await startRedis();
    const { leader, subscribed } = startBus(redis.options());
    await subscribed.shows(holds(1, 2));
    await leader.bus.close();
    await redis.run(async (client) => {
      await client.flushall();
      await client.hset('sluice:{health}:table', {
        epoch: '7',
        version: '0',
        timestampMs: '1',
        publisher: 'old clock',
      });
      const heartbeat = { type: 'heartbeat', epoch: 7, version: 0, timestampMs: 1, publisher: 'old clock' };
      await eventually(
        async () => {
          await client.publish('sluice:{health}:bus', JSON.stringify(heartbeat));
          expect(subscribed.bus.table?.epoch).toBe(7);
        },
        { budgetMs: 20_000, intervalMs: 200 },
      );
    });
  });

  it('comes back with a table of long ago: the last one stays until a daemon leads', async () => {
    const redis = await startRedis();
    const { leader, subscribed } = startBus(redis.options());
    await subscribed.shows(holds(1, 2));
    const old = await redis.run((client) => client.hgetall('sluice:{health}:table'));
    leader.set(3);
    const before = await subscribed.shows(holds(3));
    await leader.bus.close();
    const { rereads } = subscribed.bus.stats;
    await redis.run((client) => client.hset('sluice:{health}:table', old));
    await redis.run((client) => client.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
    await eventually(() => expect(subscribed.bus.stats.rereads).toBeGreaterThan(rereads));
    await subscribed.isStale();
    expect(subscribed.bus.table).toEqual(before);
    const successor = new Leader(redis.options(), 'b');
    closing.push(() => successor.bus.close());
    await subscribed.shows(({ publisher }) => expect(publisher).toBe('b'));
    expect(subscribed.orderFaults()).toEqual([]);
  });

  it('stands still for 8 s', async () => {
    const redis = await startRedis();
    const { leader, subscribed } = startBus(redis.options());
    await subscribed.shows(holds(1, 2));
    redis.pause();
    const pausedAt = performance.now();
    await subscribed.isStale();
    // Meanwhile both ends have given up their connections, and Redis holds what they sent.
    await eventually(() => expect(performance.now() - pausedAt).toBeGreaterThan(8_000), { budgetMs: 10_000 });
    expect(subscribed.bus.stats.reconnects).toBeGreaterThan(1);
    expect(leader.bus.leading).toBe(false);
    redis.resume();
    await subscribed.shows(holds(1, 2));
    leader.set(5);
    await subscribed.shows(holds(5));
    expect(subscribed.orderFaults()).toEqual([]);
  });
});

describe('the way to Redis', () => {
  it.each([
    ['a message of the channel', /"type":"delta"/],
    ['the answer to a read', /"address":"10\.0\.0\.1","port":2,/],
  ])('is cut in the middle of %s', async (_what, pattern) => {
    const redis = await startRedis();
    const proxy = await RedisProxy.start(redis.port);
    closing.push(() => proxy.close());
    const leader = new Leader(redis.options());
    closing.push(() => leader.bus.close());
    await leader.leads();
    const subscribed = new Subscribed(redis.options({ url: proxy.url }));
    closing.push(() => subscribed.bus.close());
    await subscribed.shows(holds(1, 2));
    proxy.cutInside(pattern);
    if (!pattern.source.includes('delta')) proxy.cutAll();
    leader.bus.publish({ addServices: ['a/b/1'], removeServices: [], set: [], remove: [] });
    await eventually(() => expect(proxy.cuts).toBe(1), { budgetMs: 20_000 });
    await subscribed.shows(({ services }) => expect(services.has('a/b/1')).toBe(true));
    expect(subscribed.bus.stats.reconnects).toBeGreaterThan(0);
    expect(subscribed.orderFaults()).toEqual([]);
  });

  it('is cut for everybody, again and again', async () => {
    const redis = await startRedis();
    const proxy = await RedisProxy.start(redis.port);
    closing.push(() => proxy.close());
    const { leader, subscribed } = startBus(redis.options({ url: proxy.url }));
    await subscribed.shows(holds(1, 2));
    for (let round = 0; round < 10; round += 1) {
      leader.set(round + 10);
      proxy.cutAll();
      const { taken } = proxy;
      await eventually(() => expect(proxy.taken).toBeGreaterThan(taken), { budgetMs: 10_000 });
    }
    await leader.leads();
    await subscribed.shows(holds(19));
    expect(subscribed.orderFaults()).toEqual([]);
  });

  it('leads to two servers at once, because one connection has stayed behind at a failover', async () => {
    const [redis, former] = [await startRedis(), await startRedis()];
    const proxy = await RedisProxy.start(redis.port);
    closing.push(() => proxy.close());
    const leader = new Leader(redis.options());
    const subscribed = new Subscribed(redis.options({ url: proxy.url }));
    closing.push(async () => {
      await Promise.all([leader.bus.close(), subscribed.bus.close()]);
    });
    await subscribed.shows(holds(1, 2));
    const old = await redis.run((client) => client.hgetall('sluice:{health}:table'));
    await former.run((client) => client.hset('sluice:{health}:table', old));
    const { rereads } = subscribed.bus.stats;
    proxy.redirect(former.port);
    // The reading connection alone ends, and comes back to the former server.
    await redis.run((client) => client.call('CLIENT', 'KILL', 'TYPE', 'normal'));
    await eventually(() => expect(subscribed.bus.stats.rereads).toBeGreaterThan(rereads));
    proxy.redirect(redis.port);
    await leader.leads();
    leader.set(3);
    await subscribed.shows(holds(3));
    expect(subscribed.orderFaults()).toEqual([]);
  });

  it('carries much that is not ours: the log has one line of it, and the bus goes on', async () => {
    const redis = await startRedis();
    const { leader, subscribed } = startBus(redis.options());
    await subscribed.shows(holds(1, 2));
    await redis.run(async (client) => {
      for (let count = 0; count < 100; count += 1) await client.publish('sluice:{health}:bus', '{"type":"hello"}');
    });
    leader.set(3);
    await subscribed.shows(holds(3));
    expect(subscribed.warnings.filter((line) => line.includes('not a message'))).toHaveLength(1);
  });

  it('swallows everything without a reset, then is good again', async () => {
    const redis = await startRedis();
    const proxy = await RedisProxy.start(redis.port);
    closing.push(() => proxy.close());
    const { leader, subscribed } = startBus(redis.options({ url: proxy.url }));
    await subscribed.shows(holds(1, 2));
    proxy.swallow(true);
    await subscribed.isStale();
    await eventually(() => expect(leader.depositions).toHaveLength(1));
    proxy.swallow(false);
    leader.membership = { ...leader.membership, services: new Set(['a/b/1']) };
    await subscribed.shows(({ services }) => expect([...services]).toEqual(['a/b/1']));
  });

  it('swallows the channel alone: the connections are made anew', async () => {
    const redis = await startRedis();
    const proxy = await RedisProxy.start(redis.port);
    closing.push(() => proxy.close());
    const leader = new Leader(redis.options());
    const subscribed = new Subscribed(redis.options({ url: proxy.url }));
    closing.push(async () => {
      await Promise.all([leader.bus.close(), subscribed.bus.close()]);
    });
    await subscribed.shows(holds(1, 2));
    proxy.swallow(true);
    leader.set(3);
    await subscribed.isStale();
    const { taken } = proxy;
    await eventually(() => expect(proxy.taken).toBeGreaterThan(taken), { budgetMs: 20_000 });
    proxy.swallow(false);
    await subscribed.shows(holds(3));
    expect(leader.elections).toHaveLength(1);
  });

  /** Packets to and from a port that vanish in the kernel, on connections that stay established. */
  function dropPackets(action: '-I' | '-D', port: number): boolean {
    return ['--dport', '--sport'].every((side) => {
      const rule = ['-w', action, 'INPUT', '-p', 'tcp', side, String(port), '-j', 'DROP'];
      return spawnSync('iptables', rule).status === 0;
    });
  }
  const canDrop = process.getuid?.() === 0 && spawnSync('iptables', ['-S', 'INPUT']).status === 0;

  it.skipIf(!canDrop)('loses every packet, then is good again', async () => {
    const redis = await startRedis();
    const { leader, subscribed } = startBus(redis.options());
    await subscribed.shows(holds(1, 2));
    expect(dropPackets('-I', redis.port)).toBe(true);
    let dropping = true;
    const pass = async (): Promise<void> => {
      if (dropping) dropPackets('-D', redis.port);
      dropping = false;
    };
    closing.push(pass);
    await subscribed.isStale();
    await eventually(() => expect(leader.depositions).toHaveLength(1));
    await eventually(() => expect(subscribed.bus.stats.reconnects).toBeGreaterThan(1), { budgetMs: 20_000 });
    await pass();
    await subscribed.shows(holds(1, 2));
    leader.set(5);
    await subscribed.shows(holds(5));
    expect(subscribed.orderFaults()).toEqual([]);
  });
});
