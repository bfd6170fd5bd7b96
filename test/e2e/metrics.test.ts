/** Metrics after a known number of connections: exact, summed over the workers, and not lost with one. */
import { expect, test } from 'vitest';
import { EchoBackend, refusingAddress } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { Exposition } from '../support/exposition.js';
import type { Gateway } from '../support/gateway.js';
import { head, upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

const LISTENER = 'test/edge/http';
const ECHO = { listener: LISTENER, route: 'test/route-0', service: 'test/echo/80' };
const DOWN = { listener: LISTENER, route: 'test/route-0', service: 'test/down/80' };
const UNROUTED = { listener: LISTENER, route: '-', service: '-' };

async function scrape(gateway: Gateway): Promise<Exposition> {
  const { status, body } = await gateway.admin('/metrics');
  expect(status).toBe(200);
  return new Exposition(body);
}

/** Waits until a page says what it should: what ends in another thread is counted a moment later. */
async function shows(gateway: Gateway, check: (page: Exposition) => void): Promise<Exposition> {
  return await eventually(async () => {
    const page = await scrape(gateway);
    check(page);
    return page;
  });
}

const config = (echo: EchoBackend, down: { address: string; port: number }) => ({
  services: { echo: [echo], down: [down] },
  listeners: [{ name: 'http', hostname: 'test.local' }],
  routes: [
    {
      rules: [
        { prefix: '/echo', backends: ['echo'] },
        { prefix: '/down', backends: ['down'] },
      ],
    },
  ],
});

async function refused(gateway: Gateway, bytes: string, status: number): Promise<void> {
  const { client, answer } = await RawClient.request(gateway, bytes);
  expect(answer.status).toBe(status);
  client.end();
  await client.outcome();
  client.destroy();
}

test('connections, answers and bytes are counted under what they were for', async () => {
  const echo = await EchoBackend.start();
  await withGateway(
    { config: config(echo, await refusingAddress()) },
    async (gateway) => {
      const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.upgrade(gateway)));
      for (const client of clients) {
        await client.write('x'.repeat(100));
        await client.read(100);
      }
      // The client may have its 101 a moment before the worker has counted it.
      const open = await shows(gateway, (page) => {
        expect(page.sum('sluice_handshakes_total', { ...ECHO, status: '101' })).toBe(8);
        expect(page.sum('sluice_time_to_upgrade_seconds_count', ECHO)).toBe(8);
      });
      expect(open.sum('sluice_connections_active', ECHO)).toBe(8);
      expect(open.sum('sluice_stream_bytes_total', { ...ECHO, direction: 'to_backend' })).toBe(800);
      expect(open.sum('sluice_stream_bytes_total', { ...ECHO, direction: 'to_client' })).toBe(800);
      expect(open.sum('sluice_connections_spliced')).toBe(8);
      expect(open.sum('sluice_backend_connect_seconds_count', { service: 'test/echo/80' })).toBe(8);
      expect(open.sum('sluice_time_to_upgrade_seconds_sum', ECHO)).toBeGreaterThan(0);

      for (const client of clients.slice(0, 5)) client.end();
      for (const client of clients.slice(5)) client.reset();
      for (let left = 3; left > 0; left--) await refused(gateway, upgradeHead({ target: '/nowhere' }), 404);
      for (let left = 2; left > 0; left--) await refused(gateway, upgradeHead({ target: '/down' }), 502);
      await refused(gateway, upgradeHead({ target: '/echo?fault=answer&status=403' }), 403);
      await refused(gateway, head('GET /echo?fault=answer&status=426 HTTP/1.1', [['Host', 'test.local']]), 426);
      const page = await shows(gateway, (seen) => {
        expect(seen.sum('sluice_connections_closed_total')).toBe(15);
        expect(seen.sum('sluice_handshakes_total')).toBe(15);
      });
      expect(page.sum('sluice_connections_opened_total')).toBe(15);
      expect(page.sum('sluice_connections_active')).toBe(0);
      const closed = (group: typeof ECHO) =>
        Object.fromEntries(
          page.series('sluice_connections_closed_total', group).map(({ labels, value }) => [labels.reason, value]),
        );
      expect(closed(ECHO)).toEqual({ 'client-closed': 5, 'client-reset': 3, relayed: 1 });
      // The plain request's connection is its listener's: each request on it may go to another route.
      expect(page.sum('sluice_connections_closed_total', { reason: 'client-closed' })).toBe(6);
      expect(closed(DOWN)).toEqual({ refused: 2 });
      expect(closed(UNROUTED)).toEqual({ refused: 3, 'client-closed': 1 });
      const answered = (group: typeof ECHO) =>
        Object.fromEntries(
          page.series('sluice_handshakes_total', group).map(({ labels, value }) => [labels.status, value]),
        );
      expect(answered(ECHO)).toEqual({ 101: 8, 403: 1, 426: 1 });
      expect(answered(DOWN)).toEqual({ 502: 2 });
      expect(answered(UNROUTED)).toEqual({ 404: 3 });
      for (const client of clients) client.destroy();
    },
    [echo],
  );
});

test('nothing is lost with a worker, and its successor goes on', async () => {
  const echo = await EchoBackend.start();
  await withGateway(
    { config: config(echo, await refusingAddress()), faults: true, expectErrors: true },
    async (gateway) => {
      const before = await Promise.all(Array.from({ length: 6 }, () => RawClient.upgrade(gateway)));
      for (const worker of ['0', '1']) {
        expect((await gateway.admin(`/fault/throw?worker=${worker}`, 'POST')).status).toBe(202);
        await shows(gateway, (page) => {
          expect(page.sum('sluice_worker_restarts_total', { worker })).toBe(1);
          expect(page.sum('sluice_workers', { state: 'live' })).toBe(2);
        });
      }
      for (const client of before) {
        await client.write('still here');
        await client.read(10);
      }
      const after = await Promise.all(Array.from({ length: 4 }, () => RawClient.upgrade(gateway)));
      const page = await shows(gateway, (seen) => {
        expect(seen.sum('sluice_handshakes_total', { ...ECHO, status: '101' })).toBe(10);
      });
      expect(page.sum('sluice_connections_active', ECHO)).toBe(10);
      expect(page.sum('sluice_connections_opened_total', ECHO)).toBe(10);
      expect(page.sum('sluice_stream_bytes_total', { ...ECHO, direction: 'to_backend' })).toBe(60);
      for (const client of [...before, ...after]) client.end();
      await shows(gateway, (seen) => {
        expect(seen.sum('sluice_connections_closed_total', { ...ECHO, reason: 'client-closed' })).toBe(10);
      });
      for (const client of [...before, ...after]) client.destroy();
    },
    [echo],
  );
});

test('a connection that says nothing belongs to its listener', async () => {
  const flags = { 'request-head-timeout': '200ms' };
  await withGateway({ config: { services: { echo: [await refusingAddress()] } }, flags }, async (gateway) => {
    const client = await RawClient.connect(gateway);
    expect((await client.readHead()).status).toBe(408);
    client.end();
    const gone = await RawClient.connect(gateway);
    gone.end();
    await shows(gateway, (page) => {
      expect(page.sum('sluice_handshakes_total', { ...UNROUTED, status: '408' })).toBe(1);
      expect(page.sum('sluice_connections_closed_total', UNROUTED)).toBe(2);
    });
    client.destroy();
    gone.destroy();
  });
});

test('the process says what it is and has', async () => {
  await withGateway({ config: { services: { echo: [await refusingAddress()] } } }, async (gateway) => {
    const page = await scrape(gateway);
    expect(page.series('sluice_build_info')[0]?.labels.node).toBe(process.versions.node);
    const open = page.sum('sluice_descriptors_open');
    expect(open).toBeGreaterThan(10);
    expect(page.sum('sluice_descriptors_limit')).toBeGreaterThan(open);
    expect(page.series('sluice_event_loop_lag_seconds').map(({ labels }) => labels.thread)).toEqual([
      'primary',
      'worker-0',
      'worker-1',
    ]);
    expect(page.sum('sluice_endpoints', { service: 'test/echo/80', status: 'unknown' })).toBe(1);
    // Without health checks the bus says nothing: an alert on `fresh == 0` stays silent.
    expect(page.series('sluice_health_bus_fresh')).toEqual([]);
    expect((await gateway.admin('/metrics', 'POST')).status).toBe(405);
    expect((await gateway.admin('/')).body).toContain('/metrics');
  });
});
