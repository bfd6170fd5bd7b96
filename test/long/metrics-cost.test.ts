/** What a scrape costs: with every group in use, and beside a crowd that talks. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { Exposition } from '../support/exposition.js';
import type { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { EchoLoad } from '../support/load.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

const GROUPS_MAX = 1024;
/** A few more than can have groups of their own. */
const ROUTES = GROUPS_MAX + 6;
/** Far above what it takes on a quiet machine: the figure is printed. */
const BUDGET_MS = 3000;

async function timedScrape(gateway: Gateway): Promise<{ page: Exposition; ms: number; bytes: number }> {
  const before = performance.now();
  const { status, body } = await gateway.admin('/metrics');
  const ms = performance.now() - before;
  expect(status).toBe(200);
  return { page: new Exposition(body), ms, bytes: body.length };
}

/** A route for each service, and more of them than there can be groups. */
function wide(echo: EchoBackend, services: number) {
  const names = Array.from({ length: services }, (_, index) => `s${index}`);
  return {
    services: Object.fromEntries(names.map((name) => [name, [echo]])),
    routes: names.map((name) => ({ rules: [{ prefix: `/${name}`, backends: [name] }] })),
  };
}

async function use(gateway: Gateway, target: string): Promise<void> {
  const client = await RawClient.upgrade(gateway, { target });
  await client.write('hello');
  await client.read(5);
  client.end();
  await client.outcome();
  client.destroy();
}

test('a scrape of every group', async () => {
  const echo = await EchoBackend.start({ record: false });
  await withGateway(
    { config: wide(echo, ROUTES) },
    async (gateway) => {
      for (let index = 0; index < ROUTES; index++) await use(gateway, `/s${index}`);
      await timedScrape(gateway);
      const { page, ms, bytes } = await timedScrape(gateway);
      const groups = page.series('sluice_connections_opened_total');
      console.log(`scrape of ${groups.length} used groups: ${ms.toFixed(0)} ms, ${(bytes / 1024).toFixed(0)} KiB`);
      // What has no group of its own is counted together, and counted.
      expect(groups.length).toBe(GROUPS_MAX - 1);
      expect(page.sum('sluice_connections_opened_total')).toBe(ROUTES);
      expect(page.sum('sluice_connections_opened_total', { service: 'other' })).toBe(ROUTES - GROUPS_MAX + 2);
      expect(ms).toBeLessThan(BUDGET_MS);
    },
    [echo],
  );
});

test('a scrape beside a crowd disturbs nobody, and is not kept waiting', async () => {
  const echo = await EchoBackend.start({ record: false });
  await withGateway(
    { config: { services: { echo: [echo] } } },
    async (gateway) => {
      const load = await EchoLoad.start(gateway, 50);
      const times: number[] = [];
      for (let left = 10; left > 0; left--) {
        const { page, ms } = await timedScrape(gateway);
        times.push(ms);
        expect(page.sum('sluice_connections_active')).toBe(50);
        await load.proceed(5);
      }
      await load.stop();
      times.sort((a, b) => a - b);
      console.log(
        `scrape beside 50 talking connections: median ${times[5]?.toFixed(1)} ms, max ${times[9]?.toFixed(1)}`,
      );
      expect(times[9]).toBeLessThan(BUDGET_MS);
    },
    [echo],
  );
});

test('twenty scrapers at once all get whole pages', async () => {
  const echo = await EchoBackend.start({ record: false });
  await withGateway(
    { config: { services: { echo: [echo] } } },
    async (gateway) => {
      const { client } = await RawClient.request(gateway, upgradeHead());
      const pages = await Promise.all(Array.from({ length: 20 }, () => timedScrape(gateway)));
      for (const { page } of pages) expect(page.sum('sluice_connections_opened_total')).toBe(1);
      client.destroy();
    },
    [echo],
  );
});
