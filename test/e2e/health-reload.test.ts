/**
 * Configuration that changes under a gateway with its own health daemon: what is probed follows, whatever becomes of the
 * daemon meanwhile; and messages of thousands of services.
 */
import { encodeProbedServices, type ProbedServices } from '@sluice/shared/health/probed-services';
import { DEFAULT_PROBE } from '@sluice/shared/snapshot/service-policy';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { HealthBackend } from '../support/health-backend.js';
import { backendHealth, daemonOf, HEALTH_BUDGET_MS, shows, spread } from '../support/health-gateway.js';
import { EmbeddedHealthd, HealthRecord } from '../support/healthd.js';
import type { Description, Manifest } from '../support/manifests.js';
import { applied, replaceConfig } from '../support/reloading.js';
import { withGateway } from '../support/scenario.js';

const QUICK = { interval: '100ms', timeout: '2s', unhealthyThreshold: 2 };
const WEBSOCKET = { ...QUICK, protocol: 'WebSocket', websocket: { path: '/probe' } };
const budget = { budgetMs: HEALTH_BUDGET_MS };
const flags = { health: 'embedded', 'eject-after': '0' };

function echo(backends: readonly HealthBackend[], probe: Manifest = QUICK): Description {
  return { services: { echo: backends }, probes: { echo: probe } };
}

async function sinceOf(gateway: Gateway, { port }: HealthBackend): Promise<string> {
  const { services } = await backendHealth(gateway);
  const all = services.flatMap(({ serviceHealth }) => serviceHealth.flatMap(({ endpoints }) => endpoints));
  return all.find((each) => each.port === port)?.health.since ?? '';
}

test('endpoints that a reload adds are probed, those that it removes are not, the others stay as they are', async () => {
  const [first, second, gone] = [await HealthBackend.start(), await HealthBackend.start(), await HealthBackend.start()];
  await gone.close();
  await withGateway(
    { config: echo([first], WEBSOCKET), flags },
    async (gateway) => {
      await shows(gateway, [[first, 'HEALTHY']]);
      const daemon = await daemonOf(gateway);
      const since = await sinceOf(gateway, first);
      await applied(gateway, () => replaceConfig(gateway, echo([first, second, gone], WEBSOCKET)));
      await shows(gateway, [
        [first, 'HEALTHY'],
        [second, 'HEALTHY'],
        [gone, 'UNHEALTHY'],
      ]);
      expect(await sinceOf(gateway, first)).toBe(since);
      const [one, two] = await spread(gateway, [first, second], 10);
      expect(Number(one) + Number(two)).toBe(10);
      await applied(gateway, () => replaceConfig(gateway, echo([second], WEBSOCKET)));
      await shows(gateway, [[second, 'HEALTHY']]);
      // The daemon is told beside the workers: it has heard of it when it says so.
      await eventually(
        () => expect(gateway.log.filter(({ msg }) => msg === 'endpoints changed')).toHaveLength(3),
        budget,
      );
      const probed = [first.probed, second.probed] as const;
      await eventually(() => expect(second.probed).toBeGreaterThan(probed[1] + 5), budget);
      expect(first.probed).toBeLessThanOrEqual(probed[0] + 1); // one may have been under way
      expect(await daemonOf(gateway)).toBe(daemon);
    },
    [first, second],
  );
});

test('another probe: the next one asks what the new configuration says', async () => {
  const backend = await HealthBackend.start(426);
  await withGateway(
    { config: echo([backend]), flags },
    async (gateway) => {
      await shows(gateway, [[backend, 'UNHEALTHY']]);
      await applied(gateway, () => replaceConfig(gateway, echo([backend], WEBSOCKET)));
      await shows(gateway, [[backend, 'HEALTHY']]);
      await applied(gateway, () => replaceConfig(gateway, echo([backend])));
      await shows(gateway, [[backend, 'UNHEALTHY']]);
    },
    [backend],
  );
});

test('a daemon that hangs while the configuration changes has the newest when it goes on, and so has its successor', async () => {
  const backends = [await HealthBackend.start(), await HealthBackend.start(), await HealthBackend.start()] as const;
  const [first, second, third] = backends;
  await withGateway(
    { config: echo([first]), flags, expectErrors: true },
    async (gateway) => {
      await shows(gateway, [[first, 'HEALTHY']]);
      const daemon = await daemonOf(gateway);
      process.kill(daemon, 'SIGSTOP');
      for (const config of [echo([second]), echo([first, second]), echo([second, third])]) {
        await applied(gateway, () => replaceConfig(gateway, config));
      }
      process.kill(daemon, 'SIGCONT');
      await shows(gateway, [
        [second, 'HEALTHY'],
        [third, 'HEALTHY'],
      ]);
      process.kill(daemon, 'SIGKILL');
      await daemonOf(gateway, daemon);
      third.status = 500;
      await shows(gateway, [
        [second, 'HEALTHY'],
        [third, 'UNHEALTHY'],
      ]);
    },
    backends,
  );
});

test('two thousand services, changed again and again: the daemon stays in touch and comes to the last', async () => {
  const target = (host: string, port: number) => ({ type: 'address', host, port, draining: false }) as const;
  const many = (port: number): ProbedServices => ({
    services: Array.from({ length: 2000 }, (_, index) => ({
      name: `test/service-${index}/80`,
      targets: ['127.0.0.1', '127.0.0.2'].map((host) => target(host, port)),
      probe: { ...DEFAULT_PROBE, policy: `test/policy-${index}`, intervalMs: 3_600_000 },
      tls: null,
    })),
    authorities: [],
    certificates: [{ id: 'large', chain: 'x'.repeat(500_000), key: '' }],
  });
  console.log(`a message has ${encodeProbedServices(many(1)).length} characters`);
  const daemon = EmbeddedHealthd.start(null);
  const record = new HealthRecord(daemon);
  try {
    daemon.tell(many(1));
    await record.shows('test/service-1999/80/127.0.0.2:1', {});
    for (let port = 2; port <= 6; port += 1) daemon.tell(many(port));
    await eventually(() => {
      const keys = [...(record.subscriber.table?.endpoints.keys() ?? [])];
      expect(keys.filter((key) => key.endsWith(':6'))).toHaveLength(4000);
      expect(keys).toHaveLength(4000);
    }, budget);
    await eventually(() => expect(record.subscriber.state.fresh).toBe(true), budget);
  } finally {
    await record.close();
    await daemon.close();
  }
});
