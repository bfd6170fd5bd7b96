/** Two gateways and two daemons on one Redis: one of the daemons leads, and everybody says the same of every endpoint. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Exposition } from '../support/exposition.js';
import { Gateway } from '../support/gateway.js';
import { HealthBackend } from '../support/health-backend.js';
import { answered, backendHealth, HEALTH_BUDGET_MS, shows, spread } from '../support/health-gateway.js';
import { Healthd } from '../support/healthd.js';
import { type Manifest, manifests } from '../support/manifests.js';
import { RawClient } from '../support/raw-client.js';
import { RedisServer } from '../support/redis.js';

const PROBE = { interval: '100ms', timeout: '2s', unhealthyThreshold: 2 };
const budget = { budgetMs: HEALTH_BUDGET_MS };
let redis: RedisServer;
let good: HealthBackend;
let other: HealthBackend;
let bad: HealthBackend;
const gateways: Gateway[] = [];
const daemons: Healthd[] = [];

beforeAll(async () => {
  redis = await RedisServer.start();
  [good, other, bad] = [await HealthBackend.start(), await HealthBackend.start(), await HealthBackend.start(500)];
});
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.stop().finally(() => gateway.kill());
  for (const daemon of daemons.splice(0)) await daemon.close();
});
afterAll(async () => {
  for (const each of [good, other, bad, redis]) await each?.close();
});

function configOf(probe: Manifest): string {
  return manifests({ services: { echo: [good, other, bad] }, probes: { echo: probe } });
}

async function startDaemon(prefix: string, probe: Manifest = PROBE): Promise<Healthd> {
  const daemon = await Healthd.start(configOf(probe), redis.url, [], ['--redis-prefix', prefix]);
  daemons.push(daemon);
  return daemon;
}

async function startGateway(prefix: string, probe: Manifest = PROBE): Promise<Gateway> {
  const flags = { redis: redis.url, 'redis-prefix': prefix, 'eject-after': '0' };
  const gateway = await Gateway.start({ config: configOf(probe), flags });
  gateways.push(gateway);
  return gateway;
}

async function allShow(wanted: Parameters<typeof shows>[1]): Promise<void> {
  for (const gateway of gateways) await shows(gateway, wanted);
}

async function metricsOf(daemon: Healthd): Promise<Exposition> {
  return new Exposition((await daemon.ask('/metrics')).body);
}

/** What a page says of every endpoint, apart from what belongs to the one who was asked. */
function said(body: string): unknown {
  const { services } = JSON.parse(body) as Awaited<ReturnType<typeof backendHealth>>;
  return services.map(({ serviceName, serviceHealth }) => ({
    serviceName,
    endpoints: serviceHealth
      .flatMap(({ endpoints }) => endpoints)
      .map(({ port, health: { status, why, since } }) => ({ port, status, why, since }))
      .sort((one, two) => one.port - two.port),
  }));
}

async function leaderOf(): Promise<Healthd> {
  return await eventually(async () => {
    const leading = await Promise.all(daemons.map((daemon) => daemon.leads()));
    expect(leading.filter(Boolean)).toHaveLength(1);
    return daemons[leading.indexOf(true)] as Healthd;
  }, budget);
}

/** Both gateways and the leading daemon say the same, word for word and to the millisecond. */
async function agree(): Promise<void> {
  const leader = await leaderOf();
  await eventually(async () => {
    const wanted = said((await leader.ask('/backendHealth?detailed=true')).body);
    for (const gateway of gateways) {
      expect(said((await gateway.admin('/backendHealth?detailed=true')).body)).toEqual(wanted);
    }
  }, budget);
}

test('they agree, before and after a change and another leader', async () => {
  await startDaemon('pair');
  await startDaemon('pair');
  await startGateway('pair');
  await startGateway('pair');
  await allShow([
    [good, 'HEALTHY'],
    [other, 'HEALTHY'],
    [bad, 'UNHEALTHY'],
  ]);
  await agree();
  const clients = await Promise.all(gateways.map((gateway) => RawClient.upgrade(gateway)));

  const leader = await leaderOf();
  const standby = daemons.find((daemon) => daemon !== leader) as Healthd;
  const pages = await Promise.all(daemons.map(metricsOf));
  expect(pages.map((page) => page.sum('sluice_leader')).sort()).toEqual([0, 1]);
  const quiet = await metricsOf(standby);
  expect(quiet.sum('sluice_probes_total')).toBe(0);
  // What it knows is old or nothing: it says so, and adds nothing to what the leader counts.
  expect(quiet.series('sluice_endpoints')).toEqual([]);
  expect(JSON.parse((await standby.ask('/backendHealth')).body)).toMatchObject({
    healthBus: { fresh: false, reason: expect.stringContaining('stands by') },
  });
  expect(JSON.parse((await leader.ask('/backendHealth')).body)).not.toHaveProperty('healthBus');

  bad.status = 200;
  other.status = 500;
  const changed = [
    [good, 'HEALTHY'],
    [other, 'UNHEALTHY'],
    [bad, 'HEALTHY'],
  ] as const;
  await allShow(changed);
  await agree();
  for (const gateway of gateways) expect((await spread(gateway, [good, other, bad], 10))[1]).toBe(0);

  const epoch = (await metricsOf(leader)).sum('sluice_leader_epoch');
  await leader.close();
  daemons.splice(daemons.indexOf(leader), 1);
  await eventually(async () => expect(await standby.leads()).toBe(true), budget);
  await allShow(changed);
  await agree();
  const reign = (await metricsOf(standby)).sum('sluice_leader_epoch');
  expect(reign).toBeGreaterThan(epoch);
  for (const gateway of gateways) {
    await eventually(async () => {
      const page = new Exposition((await gateway.admin('/metrics')).body);
      expect(page.sum('sluice_health_bus_epoch')).toBe(reign);
      expect(page.sum('sluice_health_bus_fresh')).toBe(1);
    }, budget);
  }
  expect(clients.map(({ ended }) => ended)).toEqual([false, false]);
  for (const client of clients) client.destroy();
  [bad.status, other.status] = [500, 200];
}, 120_000);

test('with different prefixes they know nothing of each other, though their services have the same names', async () => {
  const strict = { ...PROBE, http: { match: { statusCodes: [{ start: 500, end: 500 }] } } };
  const [here, there] = [await startDaemon('here'), await startDaemon('there', strict)];
  const [one, two] = [await startGateway('here'), await startGateway('there', strict)];
  await shows(one, [
    [good, 'HEALTHY'],
    [other, 'HEALTHY'],
    [bad, 'UNHEALTHY'],
  ]);
  await shows(two, [
    [good, 'UNHEALTHY'],
    [other, 'UNHEALTHY'],
    [bad, 'HEALTHY'],
  ]);
  expect(await Promise.all([here.leads(), there.leads()])).toEqual([true, true]);
  expect(await spread(two, [good, other, bad], 6)).toEqual([0, 0, 6]);

  // The one bus falls silent; the other goes on.
  for (const gateway of [one, two]) {
    await gateway.logged(({ msg }) => msg === 'the health status is fresh', HEALTH_BUDGET_MS);
  }
  await there.close();
  const stale = await two.logged(({ msg }) => msg === 'the health status is stale', HEALTH_BUDGET_MS);
  expect(stale.reason).not.toBe('');
  expect((await backendHealth(one)).healthBus).toMatchObject({ fresh: true });
  expect(await answered(one)).toBe(101);
  expect(one.log.filter(({ msg }) => msg === 'the health status is stale')).toEqual([]);
});

test('a gateway that comes when no daemon leads any more takes the stored table, and says that it is stale', async () => {
  const daemon = await startDaemon('past');
  const first = await startGateway('past');
  const known = [
    [good, 'HEALTHY'],
    [other, 'HEALTHY'],
    [bad, 'UNHEALTHY'],
  ] as const;
  await shows(first, known);
  await daemon.close();
  const late = await startGateway('past');
  await shows(late, known);
  const stale = await late.logged(({ msg }) => msg === 'the health status is stale', HEALTH_BUDGET_MS);
  expect(stale).toMatchObject({ level: 40, reason: 'waiting for the first heartbeat' });
  expect((await backendHealth(late)).healthBus).toMatchObject({ fresh: false });
  expect(await spread(late, [good, other, bad], 4)).toEqual([2, 2, 0]);
});
