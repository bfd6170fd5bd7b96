/**
 * Who gets how many live connections, counted at the backends: over several workers, after a worker's death, and after an
 * endpoint was taken out of its service and put back while its connections lived.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { HealthBackend } from '../support/health-backend.js';
import { backendHealth, HEALTH_BUDGET_MS, shows } from '../support/health-gateway.js';
import { HealthPublisher } from '../support/health-publisher.js';
import type { GatewayOptions } from '../support/launch.js';
import { RawClient } from '../support/raw-client.js';
import { RedisServer } from '../support/redis.js';
import { withGateway } from '../support/scenario.js';

const BACKENDS = 3;
const budget = { budgetMs: HEALTH_BUDGET_MS };
let backends: HealthBackend[];
/** Connections that are open, and the backend of each. */
let clients: { readonly client: RawClient; readonly index: number }[];

beforeEach(async () => {
  clients = [];
  backends = [];
  for (let left = BACKENDS; left > 0; left -= 1) backends.push(await HealthBackend.start());
});
afterEach(async () => {
  for (const { client } of clients) client.destroy();
  for (const backend of backends) await backend.close();
});

function options(strategy: string, workers: number, parts: Partial<GatewayOptions> = {}): GatewayOptions {
  const config = { services: { echo: backends }, balancing: { echo: { strategy } } };
  return { config, ...parts, flags: { workers: String(workers), ...parts.flags } };
}

const open = (): number[] => backends.map((backend) => backend.open);

/** Opens connections one after the other and keeps them; how many each backend got. */
async function fill(gateway: Gateway, count: number): Promise<number[]> {
  const got = backends.map(() => 0);
  for (let left = count; left > 0; left -= 1) {
    const before = backends.map(({ opened }) => opened);
    const client = await RawClient.upgrade(gateway);
    const index = backends.findIndex(({ opened }, at) => opened !== before[at]);
    got[index] = (got[index] ?? 0) + 1;
    clients.push({ client, index });
  }
  return got;
}

/** Ends connections to this backend. */
async function leave(index: number, count: number): Promise<void> {
  const wanted = (open()[index] ?? 0) - count;
  const leaving = clients.filter((each) => each.index === index).slice(0, count);
  clients = clients.filter((each) => !leaving.includes(each));
  for (const { client } of leaving) client.destroy();
  await eventually(() => expect(open()[index]).toBe(wanted));
}

/** What the gateway counts of each backend's connections. */
async function counted(gateway: Gateway): Promise<(number | undefined)[]> {
  const [service] = (await backendHealth(gateway)).services;
  const endpoints = service?.serviceHealth[0]?.endpoints ?? [];
  return backends.map(({ port }) => endpoints.find((each) => each.port === port)?.activeConnections);
}

async function counts(gateway: Gateway, wanted: readonly (number | undefined)[]): Promise<void> {
  await eventually(async () => expect(await counted(gateway)).toEqual(wanted), budget);
}

describe.each(['round-robin', 'least-request'])('%s', (strategy) => {
  test.each([2, 3, 4])('over %i workers: none has many more than another', async (workers) => {
    await withGateway(options(strategy, workers), async (gateway) => {
      const burst = Array.from({ length: 40 * BACKENDS }, () => RawClient.upgrade(gateway));
      const all = await Promise.all(burst);
      // Each worker takes turns by itself; workers that decide in the same moment see the same counts.
      expect(Math.max(...open()) - Math.min(...open())).toBeLessThanOrEqual(2 * workers);
      await counts(gateway, open());
      for (const client of all) client.destroy();
    });
  });
});

test('least-request sees the connections of all workers, also of one that died and of its successor', async () => {
  const workers = 3;
  await withGateway(options('least-request', workers, { faults: true, expectErrors: true }), async (gateway) => {
    await fill(gateway, 10 * BACKENDS);
    expect(open()).toEqual([10, 10, 10]);
    for (let worker = 0; worker < workers; worker += 1) {
      const died = () => gateway.log.filter(({ msg }) => msg === 'worker died').length;
      const [deaths, ready] = [died(), readyWorkers(gateway)];
      expect((await gateway.admin(`/fault/exit?worker=${worker}`, 'POST')).status).toBe(202);
      await eventually(() => expect(died()).toBe(deaths + 1), budget);
      // Connections end while their worker is dead, and come before its successor lives.
      await leave(worker, 6);
      await counts(gateway, open());
      expect((await fill(gateway, 3))[worker]).toBe(3);
      await eventually(() => expect(readyWorkers(gateway)).toBe(ready + 1), budget);
      expect((await fill(gateway, 3))[worker]).toBe(3);
      expect(open()).toEqual([10, 10, 10]);
      await counts(gateway, [10, 10, 10]);
    }
    for (const { client } of clients) client.destroy();
    await counts(gateway, [0, 0, 0]);
  });
});

function readyWorkers(gateway: Gateway): number {
  return gateway.log.filter(({ msg }) => msg === 'worker ready').length;
}

test('an endpoint that is taken out and put back while its connections live has them counted all the time', async () => {
  const redis = await RedisServer.start();
  const publisher = new HealthPublisher(redis.options());
  const healthy = (...indices: number[]) =>
    indices.map((index) => [backends[index] as HealthBackend, 'healthy'] as const);
  const shown = (...indices: number[]) => healthy(...indices).map(([backend]) => [backend, 'HEALTHY'] as const);
  publisher.says({ echo: healthy(0, 1, 2) });
  const flags = { redis: redis.url, 'eject-after': '0' };
  await withGateway(
    options('least-request', 2, { flags }),
    async (gateway) => {
      await shows(gateway, shown(0, 1, 2));
      await fill(gateway, 30);
      expect(open()).toEqual([10, 10, 10]);

      publisher.says({ echo: healthy(0, 2) });
      await shows(gateway, shown(0, 2));
      expect(await fill(gateway, 4)).toEqual([2, 0, 2]);
      await leave(1, 3);

      publisher.says({ echo: healthy(0, 1, 2) });
      await shows(gateway, shown(0, 1, 2));
      await counts(gateway, [12, 7, 12]);
      expect(await fill(gateway, 5)).toEqual([0, 5, 0]);

      // Nobody is left there while it is out: it begins with nothing, and is filled up.
      publisher.says({ echo: healthy(0, 2) });
      await shows(gateway, shown(0, 2));
      await leave(1, 12);
      publisher.says({ echo: healthy(0, 1, 2) });
      await shows(gateway, shown(0, 1, 2));
      await counts(gateway, [12, 0, 12]);
      expect(await fill(gateway, 12)).toEqual([0, 12, 0]);
      expect(clients.filter(({ client }) => client.ended)).toEqual([]);
      for (const { client } of clients) client.destroy();
    },
    [publisher, redis],
  );
});
