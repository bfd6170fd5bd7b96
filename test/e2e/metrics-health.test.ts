/** What metrics and /backendHealth say of probes and of the health bus: fresh, stale, and in the daemon itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ask } from '../support/ask.js';
import { eventually, within } from '../support/eventually.js';
import { Exposition } from '../support/exposition.js';
import type { Gateway } from '../support/gateway.js';
import { HealthBackend } from '../support/health-backend.js';
import { backendHealth, daemonOf, HEALTH_BUDGET_MS, shows } from '../support/health-gateway.js';
import type { Address } from '../support/raw-client.js';
import { freePort, RedisServer } from '../support/redis.js';
import { withGateway } from '../support/scenario.js';

const HEALTHD = fileURLToPath(new URL('../../packages/healthd/bin/healthd.js', import.meta.url));
const SERVICE = { service: 'test/echo/80' };
const PROBE = { interval: '100ms', timeout: '2s', unhealthyThreshold: 1 };
const budget = { budgetMs: HEALTH_BUDGET_MS };

async function page(gateway: Gateway): Promise<Exposition> {
  return new Exposition((await gateway.admin('/metrics')).body);
}

async function endpoints(): Promise<readonly [good: HealthBackend, bad: HealthBackend]> {
  return [await HealthBackend.start(), await HealthBackend.start(426)];
}

test('the embedded daemon has an admin port of its own when it is given one; a port that is taken costs no status', async () => {
  const backends = await endpoints();
  const port = await freePort();
  const config = { services: { echo: backends }, probes: { echo: PROBE } };
  const flags = { health: 'embedded', 'health-admin': `127.0.0.1:${port}` };
  await withGateway(
    { config, flags },
    async () => {
      await eventually(async () => {
        const seen = new Exposition((await ask({ address: '127.0.0.1', port }, '/metrics', 'GET')).body);
        for (const result of ['succeeded', 'failed']) {
          expect(seen.sum('sluice_probes_total', { ...SERVICE, result })).toBeGreaterThan(0);
        }
      }, budget);
      await withGateway({ config, flags, expectErrors: true }, async (second) => {
        await shows(second, [
          [backends[0], 'HEALTHY'],
          [backends[1], 'UNHEALTHY'],
        ]);
        expect(second.log.map(({ msg }) => msg)).toContainEqual(expect.stringContaining(`127.0.0.1:${port}`));
      });
    },
    backends,
  );
});

test('the embedded daemon: endpoints by status, a fresh bus, and a stale one', async () => {
  const backends = await endpoints();
  const [good, bad] = backends;
  const config = { services: { echo: backends }, probes: { echo: PROBE } };
  await withGateway(
    { config, flags: { health: 'embedded' }, expectErrors: true },
    async (gateway) => {
      await shows(gateway, [
        [good, 'HEALTHY'],
        [bad, 'UNHEALTHY'],
      ]);
      const seen = await page(gateway);
      for (const [status, count] of [
        ['healthy', 1],
        ['unhealthy', 1],
        ['unknown', 0],
      ] as const) {
        expect(seen.sum('sluice_endpoints', { ...SERVICE, status })).toBe(count);
      }
      expect(seen.sum('sluice_health_bus_fresh')).toBe(1);
      expect(seen.sum('sluice_health_bus_epoch')).toBeGreaterThan(0);
      // The first table may hold both verdicts already: version 0 of its reign.
      expect(seen.series('sluice_health_bus_version')).toHaveLength(1);
      expect(seen.sum('sluice_health_daemon_restarts_total')).toBe(0);
      expect(seen.series('sluice_health_bus_heartbeat_age_seconds')[0]?.value).toBeLessThan(60);
      expect(seen.series('sluice_health_bus_lag_seconds')[0]?.value).toBeLessThan(60);

      const detail = (await gateway.admin('/backendHealth?detailed=true')).body;
      expect(detail).toContain('answered 426');
      expect((await backendHealth(gateway)).healthBus).toMatchObject({ fresh: true, reason: '' });
      expect((await gateway.admin('/backendHealth')).body).not.toContain('healthBus');

      const daemon = await daemonOf(gateway);
      process.kill(daemon, 'SIGSTOP');
      await eventually(async () => {
        expect((await page(gateway)).sum('sluice_health_bus_fresh')).toBe(0);
      }, budget);
      // The last known statuses stay, and the summary says that they may be old.
      expect((await page(gateway)).sum('sluice_endpoints', { ...SERVICE, status: 'healthy' })).toBe(1);
      expect(JSON.parse((await gateway.admin('/backendHealth')).body)).toMatchObject({ healthBus: { fresh: false } });
      process.kill(daemon, 'SIGKILL');
      await eventually(async () => {
        const healed = await page(gateway);
        expect(healed.sum('sluice_health_daemon_restarts_total')).toBe(1);
        expect(healed.sum('sluice_health_bus_fresh')).toBe(1);
      }, budget);
    },
    backends,
  );
});

/** Starts a daemon of its own; resolves with its admin port. */
async function startDaemon(config: string, redis: RedisServer): Promise<{ admin: Address; end(): Promise<void> }> {
  const args = ['--config', config, '--redis', redis.url, '--admin', '127.0.0.1:0', '--log-level', 'error'];
  const child = spawn(process.execPath, [HEALTHD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  try {
    const [line] = (await within(
      once(createInterface({ input: child.stdout }), 'line'),
      20_000,
      () => 'not ready',
    )) as [string];
    return { admin: (JSON.parse(line) as { admin: Address }).admin, end };
  } catch (error) {
    await end();
    throw error;
  }
}

test('a daemon over Redis: who leads, what it probes, and what reaches the gateway', async () => {
  const redis = await RedisServer.start();
  const backends = await endpoints();
  const [good, bad] = backends;
  const config = { services: { echo: backends }, probes: { echo: PROBE } };
  const closables = [...backends, redis];
  await withGateway(
    { config, flags: { redis: redis.url } },
    async (gateway) => {
      const { admin, end } = await startDaemon(join(gateway.folder, 'config.yaml'), redis);
      try {
        await shows(gateway, [
          [good, 'HEALTHY'],
          [bad, 'UNHEALTHY'],
        ]);
        const daemon = await eventually(async () => {
          const seen = new Exposition((await ask(admin, '/metrics', 'GET')).body);
          expect(seen.sum('sluice_probes_total', { ...SERVICE, result: 'succeeded' })).toBeGreaterThan(1);
          expect(seen.sum('sluice_probes_total', { ...SERVICE, result: 'failed' })).toBeGreaterThan(1);
          return seen;
        }, budget);
        const probes = daemon.sum('sluice_probes_total', SERVICE);
        // Families are read one after the other: a probe may have ended in between.
        expect(daemon.sum('sluice_probe_duration_seconds_count', SERVICE)).toBeGreaterThanOrEqual(probes);
        expect(daemon.sum('sluice_leader')).toBe(1);
        expect(daemon.sum('sluice_endpoints', { ...SERVICE, status: 'unhealthy' })).toBe(1);
        const seen = await page(gateway);
        expect(seen.sum('sluice_health_bus_epoch')).toBe(daemon.sum('sluice_leader_epoch'));
        expect(seen.sum('sluice_health_bus_fresh')).toBe(1);
        expect(seen.series('sluice_health_daemon_restarts_total')).toEqual([]);

        const health = JSON.parse((await ask(admin, '/backendHealth', 'GET')).body);
        const totals = { totalEndpoints: 2, totalHealthyEndpoints: 1, totalUnhealthyEndpoints: 1 };
        expect(health).toEqual({ services: [{ serviceName: 'test/echo/80', serviceHealth: [totals] }] });
      } finally {
        await end();
      }
    },
    closables,
  );
});
