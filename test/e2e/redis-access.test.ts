/** Redis with a password, with users who may do no more than docs/redis.md says, and over TLS. */
import { readFileSync } from 'node:fs';
import type { RedisOptions } from '@sluice/shared/health/redis/options';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { RedisServer, type RedisSettings } from '../support/redis.js';
import { holds, Leader, Subscribed } from '../support/redis-bus.js';
import { createCertificates, type RedisCertificates } from '../support/redis-certificates.js';

let closing: (() => Promise<void>)[];

beforeEach(() => {
  closing = [];
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
});

async function startRedis(settings: RedisSettings): Promise<RedisServer> {
  const redis = await RedisServer.start(settings);
  closing.push(() => redis.close());
  return redis;
}

function subscribe(options: RedisOptions): Subscribed {
  const subscribed = new Subscribed(options);
  closing.push(() => subscribed.bus.close());
  return subscribed;
}

function lead(options: RedisOptions): Leader {
  const leader = new Leader(options);
  closing.push(() => leader.bus.close());
  return leader;
}

/** The `ACL SETUSER` lines of docs/redis.md, as arguments. */
function documentedUsers(): string[][] {
  const text = readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8');
  return [...text.matchAll(/^ACL SETUSER (.+)$/gm)].map(([, rest = '']) => rest.split(' '));
}

describe('access to Redis', () => {
  it('works with the password in the URL or apart from it, and says what is wrong without one', async () => {
    const redis = await startRedis({ args: ['--requirepass', 'open sesame'] });
    const url = `redis://:open%20sesame@127.0.0.1:${redis.port}`;
    lead(redis.options({ url }));
    await subscribe(redis.options({ password: 'open sesame' })).shows(holds(1, 2));
    const without = subscribe(redis.options());
    await eventually(() => expect(without.bus.state.reason).toMatch(/NOAUTH|Authentication required/));
    const wrong = subscribe(redis.options({ password: 'wrong' }));
    await eventually(() => expect(wrong.bus.state.reason).toContain('WRONGPASS'));
    expect(wrong.bus.state.reason).not.toContain('wrong"');
  });

  it('needs exactly the rights that docs/redis.md lists', async () => {
    const redis = await startRedis({});
    const users = documentedUsers();
    expect(users.map(([name]) => name)).toEqual(['healthd', 'dataplane']);
    await redis.run(async (client) => {
      for (const user of users) await client.call('ACL', ['SETUSER', ...user]);
      await client.call('ACL', ['SETUSER', 'default', 'off']);
    });
    const [healthd = [], dataplane = []] = users;
    const passwordOf = (user: readonly string[]): string => user.find((rule) => rule.startsWith('>'))?.slice(1) ?? '';
    const leader = lead(redis.options({ username: 'healthd', password: passwordOf(healthd) }));
    const subscribed = subscribe(redis.options({ username: 'dataplane', password: passwordOf(dataplane) }));
    await subscribed.shows(holds(1, 2));
    leader.bus.publish({ addServices: [], removeServices: ['default/echo/80'], set: [], remove: [] });
    await subscribed.shows(({ services }) => expect(services.size).toBe(0));
    // A subscriber's user can publish nothing, and nobody gets at other prefixes.
    const intruder = lead(redis.options({ username: 'dataplane', password: passwordOf(dataplane) }));
    const elsewhere = lead(redis.options({ username: 'healthd', password: passwordOf(healthd), prefix: 'other' }));
    await leader.bus.close();
    expect(intruder.elections).toEqual([]);
    expect(elsewhere.elections).toEqual([]);
  });

  it('heals when rights are taken away and given back', async () => {
    const redis = await startRedis({});
    await redis.run((client) => client.call('ACL', ['SETUSER', 'bus', 'on', '>pw', '~*', '&*', '+@all']));
    const leader = lead(redis.options({ username: 'bus', password: 'pw' }));
    const subscribed = subscribe(redis.options({ username: 'bus', password: 'pw' }));
    await subscribed.shows(holds(1, 2));
    await redis.run((client) =>
      client.call('ACL', ['SETUSER', 'bus', '-eval', '-hgetall', '-subscribe', 'resetchannels']),
    );
    await subscribed.isStale();
    await redis.run((client) => client.call('ACL', ['SETUSER', 'bus', '+@all', '&*']));
    leader.set(4);
    await leader.leads();
    leader.set(5);
    await subscribed.shows(holds(5));
  });
});

describe('Redis over TLS', () => {
  let certificates: RedisCertificates;

  async function startTls(): Promise<RedisServer> {
    certificates = createCertificates();
    closing.push(async () => certificates.remove());
    const { ca, certificate, key } = certificates;
    const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', ca];
    const redis = await startRedis({ down: true });
    await redis.start(['--port', '0', '--tls-port', String(redis.port), ...files, '--tls-auth-clients', 'no']);
    return redis;
  }

  it('works with the authority that it is given, by address and by name', async () => {
    const redis = await startTls();
    lead(redis.options({ url: `rediss://127.0.0.1:${redis.port}`, caFile: certificates.ca }));
    const subscribed = subscribe(redis.options({ url: `rediss://localhost:${redis.port}`, caFile: certificates.ca }));
    await subscribed.shows(holds(1, 2));
  });

  it('refuses a server whose certificate it cannot check, and says why', async () => {
    const redis = await startTls();
    const subscribed = subscribe(redis.options({ url: `rediss://127.0.0.1:${redis.port}` }));
    await eventually(() => expect(subscribed.bus.state.reason).toMatch(/certificate/));
    const plain = subscribe(redis.options());
    await eventually(() => expect(plain.bus.state.reason).not.toMatch(/not connected yet/), { budgetMs: 20_000 });
    expect(plain.bus.table).toBeNull();
  });
});
