/** What becomes of open connections when their endpoint goes bad is their service's policy: kept, drained or closed. */

import type { HealthStatus } from '@sluice/shared/health/table';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Gateway } from '../support/gateway.js';
import { HealthBackend } from '../support/health-backend.js';
import { HEALTH_BUDGET_MS, statuses } from '../support/health-gateway.js';
import { HealthPublisher, type Said } from '../support/health-publisher.js';
import { RawClient } from '../support/raw-client.js';
import { RedisServer } from '../support/redis.js';

const SERVICES = ['keep', 'close', 'drain', 'mixed'] as const;
type Service = (typeof SERVICES)[number];
const DRAIN_DEADLINE_MS = 1500;
const backends = {} as Record<Service, HealthBackend>;
let redis: RedisServer;
let publisher: HealthPublisher;
let gateway: Gateway;

const policy = (value: string) => ({
  'sluice.dev/live-connections': value,
  'sluice.dev/drain-deadline': `${DRAIN_DEADLINE_MS}ms`,
  'sluice.dev/close-window': '0s',
});

beforeAll(async () => {
  redis = await RedisServer.start();
  for (const service of SERVICES) backends[service] = await HealthBackend.start();
  publisher = new HealthPublisher(redis.options({ prefix: 'live' }));
  publisher.says(said({}));
  gateway = await Gateway.start({
    config: {
      routes: [{ rules: SERVICES.map((service) => ({ prefix: `/${service}`, backends: [service] })) }],
      services: Object.fromEntries(SERVICES.map((service) => [service, [backends[service]]])),
      annotations: {
        keep: policy('keep'),
        close: policy('close'),
        drain: policy('drain'),
        mixed: policy('unhealthy=keep,draining=drain,removed=close'),
      },
    },
    flags: { redis: redis.url, 'redis-prefix': 'live', 'eject-after': '0' },
  });
  await become({});
});
afterAll(async () => {
  await publisher?.close();
  await gateway?.stop();
  for (const each of [...Object.values(backends), redis]) await each?.close();
});

type Wanted = Partial<Record<Service, HealthStatus | 'removed'>>;

/** Everything healthy but these. */
function said(wanted: Wanted): Said {
  return Object.fromEntries(
    SERVICES.map((service) => {
      const status = wanted[service] ?? 'healthy';
      return [service, status === 'removed' ? [] : [[backends[service], status] as const]];
    }),
  );
}

/** Says it, and waits until the gateway knows it. */
async function become(wanted: Wanted): Promise<void> {
  const say = said(wanted);
  publisher.says(say);
  const expected = Object.fromEntries(
    Object.values(say).flatMap((entries) => entries.map(([{ port }, status]) => [port, status.toUpperCase()])),
  );
  await eventually(async () => expect(await statuses(gateway)).toEqual(expected), { budgetMs: HEALTH_BUDGET_MS });
}

let targets = 0;
async function open(service: Service): Promise<{ client: RawClient; target: string }> {
  targets += 1;
  const target = `/${service}/${targets}-`;
  const client = await RawClient.upgrade(gateway, { target });
  return { client, target };
}

async function reasonOf(target: string): Promise<unknown> {
  return (await gateway.accessLog.recordOf(target)).closeReason;
}

describe.each(['unhealthy', 'draining', 'removed'] as const)('an endpoint that is %s', (status) => {
  test('closes its connections under `close`, and nobody else’s', async () => {
    const [closed, kept] = [await open('close'), await open('keep')];
    await become({ close: status, keep: status });
    await closed.client.outcome();
    expect(await reasonOf(closed.target)).toBe(`endpoint-${status}`);
    await become({});
    expect(kept.client.ended).toBe(false);
    kept.client.destroy();
    expect(await reasonOf(kept.target)).toMatch(/^client-/);
  });

  test('closes them under `drain` when the deadline is over', async () => {
    const { client, target } = await open('drain');
    const beganAt = performance.now();
    await become({ drain: status });
    await client.outcome(HEALTH_BUDGET_MS);
    // The engine's timer is a coarse one.
    expect(performance.now() - beganAt).toBeGreaterThan(DRAIN_DEADLINE_MS / 2);
    expect(await reasonOf(target)).toBe(`endpoint-${status}`);
    await become({});
  });
});

test('a drain is taken back when the endpoint is healthy again', async () => {
  const [saved, lost] = [await open('drain'), await open('mixed')];
  await become({ drain: 'draining', mixed: 'draining' });
  await become({ mixed: 'draining' });
  // The deadline of both was the same one: when it has ended the one, it has passed for the other.
  await lost.client.outcome(HEALTH_BUDGET_MS);
  expect(saved.client.ended).toBe(false);
  await saved.client.write('still here');
  expect(await saved.client.read(1)).toBeDefined();
  saved.client.destroy();
  await become({});
});

test('each event has its own action', async () => {
  const { client, target } = await open('mixed');
  await become({ mixed: 'unhealthy' });
  await become({ mixed: 'draining' });
  expect(client.ended).toBe(false);
  await become({ mixed: 'removed' });
  await client.outcome();
  expect(await reasonOf(target)).toBe('endpoint-removed');
  await become({});
});

test('an endpoint that comes back has none of it: its new connections live', async () => {
  await become({ close: 'removed' });
  await become({});
  const { client, target } = await open('close');
  await become({ keep: 'unhealthy' });
  expect(client.ended).toBe(false);
  client.destroy();
  expect(await reasonOf(target)).toMatch(/^client-/);
  await become({});
});
