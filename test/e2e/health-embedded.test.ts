/**
 * Health by the daemon that the gateway starts itself: probes of real backends decide who gets connections, and the
 * daemon's own life touches none of them.
 */
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Gateway } from '../support/gateway.js';
import { HealthBackend } from '../support/health-backend.js';
import { answered, backendHealth, daemonOf, HEALTH_BUDGET_MS, shows, spread } from '../support/health-gateway.js';
import type { GatewayOptions } from '../support/launch.js';
import type { Manifest } from '../support/manifests.js';
import { runs } from '../support/process-tree.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

const QUICK = { interval: '100ms', timeout: '2s', unhealthyThreshold: 2 };
const WEBSOCKET = { ...QUICK, protocol: 'WebSocket', websocket: { path: '/probe', ping: true } };
const budget = { budgetMs: HEALTH_BUDGET_MS };

function embedded(backends: readonly HealthBackend[], probe: Manifest = QUICK, flags = {}): GatewayOptions {
  return {
    config: { services: { echo: backends }, probes: { echo: probe } },
    flags: { health: 'embedded', 'eject-after': '0', ...flags },
  };
}

test('a backend that goes down gets nothing new, and is used again when it is back', async () => {
  const backends = [await HealthBackend.start(), await HealthBackend.start()] as const;
  const [first, second] = backends;
  await withGateway(
    embedded(backends),
    async (gateway) => {
      await shows(gateway, [
        [first, 'HEALTHY'],
        [second, 'HEALTHY'],
      ]);
      expect((await spread(gateway, backends, 20)).every((count) => count > 0)).toBe(true);
      await first.close();
      await shows(gateway, [
        [first, 'UNHEALTHY'],
        [second, 'HEALTHY'],
      ]);
      expect(await spread(gateway, backends, 10)).toEqual([0, 10]);
      await first.up();
      await shows(gateway, [
        [first, 'HEALTHY'],
        [second, 'HEALTHY'],
      ]);
      expect((await spread(gateway, backends, 20)).every((count) => count > 0)).toBe(true);
    },
    backends,
  );
});

describe('a WebSocket server that answers plain requests with 426', () => {
  test('is unhealthy by the default probe: 503, and the log record says why', async () => {
    const backend = await HealthBackend.start(426);
    await withGateway(
      embedded([backend]),
      async (gateway) => {
        await shows(gateway, [[backend, 'UNHEALTHY']]);
        expect(await answered(gateway, '/why')).toBe(503);
        const record = await gateway.accessLog.recordOf('/why');
        expect(record).toMatchObject({ httpStatusCode: 503, refusal: 'no-endpoint' });
        expect(record.refusalReason).toMatch(/426/);
      },
      [backend],
    );
  });

  test('is healthy by a WebSocket probe', async () => {
    const backend = await HealthBackend.start(426);
    await withGateway(
      embedded([backend], WEBSOCKET),
      async (gateway) => {
        await shows(gateway, [[backend, 'HEALTHY']]);
        expect(backend.probed).toBeGreaterThan(0);
        expect(await answered(gateway)).toBe(101);
      },
      [backend],
    );
  });
});

test('a daemon that is killed is replaced; statuses stay, connections too, and the next one goes on from there', async () => {
  const [good, bad] = [await HealthBackend.start(), await HealthBackend.start(500)];
  await withGateway(
    { ...embedded([good, bad]), expectErrors: true },
    async (gateway) => {
      const before = [
        [good, 'HEALTHY'],
        [bad, 'UNHEALTHY'],
      ] as const;
      await shows(gateway, before);
      const client = await RawClient.upgrade(gateway);
      const first = await daemonOf(gateway);
      // Good from now on, but nobody has found out: it stays as it was last known.
      process.kill(first, 'SIGSTOP');
      bad.status = 200;
      process.kill(first, 'SIGKILL');
      const death = await gateway.logged(({ msg }) => msg?.startsWith('the health daemon died') === true);
      expect(death).toMatchObject({ reason: 'SIGKILL', restartInMs: 0 });
      expect(await answered(gateway)).toBe(101);
      const second = await daemonOf(gateway, first);
      expect(runs(second)).toBe(true);
      await shows(gateway, [
        [good, 'HEALTHY'],
        [bad, 'HEALTHY'],
      ]);
      await eventually(async () => expect((await backendHealth(gateway)).healthBus?.fresh).toBe(true), budget);
      expect(client.ended).toBe(false);
      client.destroy();
    },
    [good, bad],
  );
});

test('a new daemon is handed the last table: what was unhealthy is not unknown meanwhile', async () => {
  const [good, bad] = [await HealthBackend.start(), await HealthBackend.start(500)];
  await withGateway(
    { ...embedded([good, bad], { ...QUICK, interval: '1s' }), expectErrors: true },
    async (gateway) => {
      const known = [
        [good, 'HEALTHY'],
        [bad, 'UNHEALTHY'],
      ] as const;
      await shows(gateway, known);
      const first = await daemonOf(gateway);
      process.kill(first, 'SIGKILL');
      await daemonOf(gateway, first);
      await eventually(() => {
        expect(gateway.log.filter(({ msg }) => msg === 'probes from now on')).toHaveLength(2);
      }, budget);
      for (let round = 0; round < 20; round += 1) expect(await spread(gateway, [good, bad], 1)).toEqual([1, 0]);
      await shows(gateway, known);
    },
    [good, bad],
  );
});

test('the daemon ends with the gateway, also when that is killed', async () => {
  const backend = await HealthBackend.start();
  const gateway = await Gateway.start(embedded([backend]));
  try {
    const daemon = await daemonOf(gateway);
    process.kill(gateway.pid, 'SIGKILL');
    await gateway.end();
    await eventually(() => expect(runs(daemon)).toBe(false), budget);
  } finally {
    await gateway.kill();
    await backend.close();
  }
});

test('a daemon that hangs does not outlive a gateway that is told twice to end', async () => {
  const backend = await HealthBackend.start();
  const gateway = await Gateway.start({ ...embedded([backend]), expectErrors: true });
  let daemon = 0;
  try {
    daemon = await daemonOf(gateway);
    const client = await RawClient.upgrade(gateway);
    process.kill(daemon, 'SIGSTOP');
    gateway.child.kill('SIGTERM');
    await gateway.logged(({ msg }) => msg === 'draining');
    gateway.child.kill('SIGTERM');
    expect(await gateway.end()).toMatchObject({ code: 143 });
    await eventually(() => expect(runs(daemon)).toBe(false), budget);
    client.destroy();
  } finally {
    if (daemon > 0 && runs(daemon)) process.kill(daemon, 'SIGKILL');
    await gateway.kill();
    await backend.close();
  }
});

test('endpoints that nobody has probed yet are used; a daemon that still boots ends with the gateway', async () => {
  const backend = await HealthBackend.start(426);
  await withGateway(
    embedded([backend]),
    async (gateway) => {
      expect(await answered(gateway)).toBe(101);
    },
    [backend],
  );
});

test('with --health-wait the first statuses are there when it is ready', async () => {
  const backend = await HealthBackend.start();
  await withGateway(
    embedded([backend], QUICK, { 'health-wait': '20s' }),
    async (gateway) => {
      expect((await backendHealth(gateway)).healthBus).toMatchObject({ fresh: true });
    },
    [backend],
  );
});
