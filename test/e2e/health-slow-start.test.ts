/**
 * Slow start, measured at the backends over both workers: an endpoint that a probe finds healthy again gets less than its
 * share while its window lasts, and its whole share after.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { HealthBackend } from '../support/health-backend.js';
import { backendHealth, shows, spread } from '../support/health-gateway.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

const WINDOW_MS = 3_000;
const PROBE = { interval: '100ms', timeout: '2s', unhealthyThreshold: 1 };
const WORKERS = 2;
let backends: readonly [old: HealthBackend, fresh: HealthBackend];

beforeEach(async () => {
  backends = [await HealthBackend.start(), await HealthBackend.start(500)];
});
afterEach(async () => {
  for (const backend of backends) await backend.close();
});

function options(strategy: string, slowStart: Readonly<Record<string, unknown>>) {
  const config = {
    services: { echo: backends },
    probes: { echo: PROBE },
    balancing: { echo: { strategy, slowStart } },
  };
  return { config, flags: { health: 'embedded', 'eject-after': '0', workers: String(WORKERS) } };
}

async function show(gateway: Gateway, fresh: string): Promise<void> {
  await shows(gateway, [
    [backends[0], 'HEALTHY'],
    [backends[1], fresh],
  ]);
}

/** Makes the second backend healthy; resolves with the moment (ms since the epoch) at which it was found to be. */
async function recover(gateway: Gateway): Promise<number> {
  await show(gateway, 'UNHEALTHY');
  backends[1].status = 200;
  await show(gateway, 'HEALTHY');
  const [service] = (await backendHealth(gateway)).services;
  const found = service?.serviceHealth[0]?.endpoints.find(({ port }) => port === backends[1].port);
  return Date.parse(found?.health.since ?? '');
}

/** Connections that both backends have had so far. */
function counts(): [old: number, fresh: number] {
  return [backends[0].opened, backends[1].opened];
}

test('round-robin: less than its share during the window, even turns after it', async () => {
  await withGateway(options('round-robin', { window: `${WINDOW_MS}ms`, startWeightPercent: 10 }), async (gateway) => {
    const sinceMs = await recover(gateway);
    const before = counts();
    let asked = 0;
    let untilMs = Date.now();
    while (untilMs < sinceMs + WINDOW_MS / 2) {
      (await RawClient.upgrade(gateway)).destroy();
      asked += 1;
      untilMs = Date.now();
    }
    const [old, fresh] = counts().map((count, index) => count - (before[index] ?? 0)) as [number, number];
    // Its weight grows from 0.1 to 0.5 in this half of the window; the last moment is nobody's who was held up.
    console.log(`${asked} connections in half the window: ${old} and ${fresh}`);
    expect(old + fresh).toBe(asked);
    expect(asked).toBeGreaterThan(20);
    expect(fresh).toBeGreaterThan(0);
    expect(fresh / asked).toBeLessThan(0.35);
    expect(fresh / asked).toBeGreaterThan(0.05);

    await eventually(() => expect(Date.now()).toBeGreaterThan(sinceMs + WINDOW_MS + 200), { budgetMs: 2 * WINDOW_MS });
    const after = await spread(gateway, backends, 60);
    for (const count of after) expect(Math.abs(count - 30)).toBeLessThanOrEqual(WORKERS);
  });
});

test('least-request: it is not filled up at once, and evens out after the window', async () => {
  await withGateway(options('least-request', { window: `${WINDOW_MS}ms`, startWeightPercent: 10 }), async (gateway) => {
    await show(gateway, 'UNHEALTHY');
    const clients = await Promise.all(Array.from({ length: 40 }, () => RawClient.upgrade(gateway)));
    expect(backends[0].opened).toBe(40);
    const sinceMs = await recover(gateway);
    // A free endpoint without slow start would get all of these.
    for (let left = 20; left > 0; left -= 1) clients.push(await RawClient.upgrade(gateway));
    const elapsedMs = Date.now() - sinceMs;
    const [, during] = counts();
    // Its connections are to the other's as its weight, which is not above this by now, is to 1.
    const weight = Math.max(0.1, (elapsedMs + 200) / WINDOW_MS);
    console.log(`${elapsedMs} ms into the window: ${during} of 20`);
    expect(during).toBeGreaterThan(0);
    expect(during).toBeLessThanOrEqual(Math.ceil(60 * weight) + WORKERS);

    await eventually(() => expect(Date.now()).toBeGreaterThan(sinceMs + WINDOW_MS + 200), { budgetMs: 2 * WINDOW_MS });
    const [old, fresh] = counts();
    for (let left = old - fresh; left > 0; left -= 1) clients.push(await RawClient.upgrade(gateway));
    expect(counts()).toEqual([old, old]);
    for (const client of clients) client.destroy();
  });
});

test('without a window its share is whole at once', async () => {
  await withGateway(options('round-robin', {}), async (gateway) => {
    await recover(gateway);
    for (const count of await spread(gateway, backends, 40)) {
      expect(Math.abs(count - 20)).toBeLessThanOrEqual(WORKERS);
    }
  });
});
