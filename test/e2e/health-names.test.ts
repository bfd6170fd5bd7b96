/**
 * A Service without slices, found by a name: looked up by the embedded daemon, by a daemon over Redis, or by the gateway
 * itself when there is none; probed and connected to at the addresses that the name has.
 */
import { lookup } from 'node:dns/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { HealthBackend } from '../support/health-backend.js';
import { answered, backendHealth, HEALTH_BUDGET_MS } from '../support/health-gateway.js';
import { Healthd } from '../support/healthd.js';
import { probedServices } from '../support/healthd-manifests.js';
import { RedisServer } from '../support/redis.js';
import { withGateway } from '../support/scenario.js';

const POLICY = { interval: '100ms', timeout: '2s', unhealthyThreshold: 2 };
const ADDRESS = '127.0.0.1';
let backend: HealthBackend;
let addresses: readonly string[];

beforeEach(async () => {
  backend = await HealthBackend.start();
  addresses = (await lookup('localhost', { all: true })).map(({ address }) => address);
});
afterEach(async () => {
  await backend.close();
});

function config(): string {
  return probedServices({ name: 'named', dnsName: 'localhost', targetPort: backend.port, policy: POLICY });
}

/** Waits until the service has every address of the name, and the one that the backend listens on this status. */
async function found(gateway: Gateway, status: string): Promise<void> {
  await eventually(
    async () => {
      const [service] = (await backendHealth(gateway)).services;
      const endpoints = service?.serviceHealth[0]?.endpoints ?? [];
      expect(new Set(endpoints.map(({ address }) => address))).toEqual(new Set(addresses));
      expect(endpoints.every(({ port }) => port === backend.port)).toBe(true);
      expect(endpoints.find(({ address }) => address === ADDRESS)?.health.status).toBe(status);
    },
    { budgetMs: HEALTH_BUDGET_MS },
  );
}

/** Its backend is seen to go and to come back. */
async function follows(gateway: Gateway): Promise<void> {
  await found(gateway, 'HEALTHY');
  expect(await answered(gateway, '/named')).toBe(101);
  expect(backend.opened).toBe(1);
  backend.status = 500;
  await found(gateway, 'UNHEALTHY');
  await eventually(async () => expect(await answered(gateway, '/named')).toBe(503), { budgetMs: HEALTH_BUDGET_MS });
  backend.status = 200;
  await found(gateway, 'HEALTHY');
  expect(await answered(gateway, '/named')).toBe(101);
}

test('by the embedded daemon', async () => {
  await withGateway({ config: config(), flags: { health: 'embedded' } }, follows);
});

test('by a daemon over Redis, and by the gateway itself before there is one and after it is gone', async () => {
  const redis = await RedisServer.start();
  const flags = { redis: redis.url, 'resolve-interval': '100ms' };
  await withGateway(
    { config: config(), flags },
    async (gateway) => {
      await found(gateway, 'UNKNOWN');
      expect(await answered(gateway, '/named')).toBe(101);
      backend.opened = 0;
      const daemon = await Healthd.start(config(), redis.url);
      try {
        await follows(gateway);
        await gateway.logged(({ msg }) => msg === 'the health status is fresh', HEALTH_BUDGET_MS);
      } finally {
        await daemon.close();
      }
      await gateway.logged(({ msg }) => msg === 'the health status is stale', HEALTH_BUDGET_MS);
      await found(gateway, 'HEALTHY');
      expect(await answered(gateway, '/named')).toBe(101);
    },
    [redis],
  );
});

test('by the gateway itself with --health off', async () => {
  await withGateway({ config: config() }, async (gateway) => {
    await found(gateway, 'UNKNOWN');
    expect(await answered(gateway, '/named')).toBe(101);
  });
});
