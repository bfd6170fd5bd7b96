/** The embedded daemon follows the configuration: what it probes, and what becomes of endpoints that are gone. */
import { expect, test } from 'vitest';
import { HealthBackend } from '../support/health-backend.js';
import { answered, daemonOf, shows, spread } from '../support/health-gateway.js';
import type { Description } from '../support/manifests.js';
import { RawClient } from '../support/raw-client.js';
import { applied, replaceConfig } from '../support/reloading.js';
import { withGateway } from '../support/scenario.js';

const QUICK = { interval: '100ms', timeout: '2s', unhealthyThreshold: 2 };

function config(echo: readonly HealthBackend[], more: Description['services'] = {}, annotations = {}): Description {
  const services = { echo, ...more };
  const probes = Object.fromEntries(Object.keys(services).map((name) => [name, QUICK]));
  const routes = Object.keys(services).map((name) => ({ name, rules: [{ prefix: `/${name}`, backends: [name] }] }));
  const all = { name: 'all', rules: [{ backends: ['echo'] }] };
  return { services, probes, routes: [all, ...routes], annotations: { echo: annotations } };
}

test('endpoints and services that come are probed, those that go are forgotten; the daemon stays', async () => {
  const [first, second, third] = [
    await HealthBackend.start(),
    await HealthBackend.start(),
    await HealthBackend.start(503),
  ];
  await withGateway(
    { config: config([first]), flags: { health: 'embedded', 'eject-after': '0' } },
    async (gateway) => {
      await shows(gateway, [[first, 'HEALTHY']]);
      const daemon = await daemonOf(gateway);
      const old = await RawClient.upgrade(gateway);
      await applied(gateway, () => replaceConfig(gateway, config([second])));
      await shows(gateway, [[second, 'HEALTHY']]);
      expect(await spread(gateway, [first, second], 4)).toEqual([0, 4]);
      await applied(gateway, () => replaceConfig(gateway, config([second], { more: [third] })));
      const both = [[second, 'HEALTHY'] as const, [third, 'UNHEALTHY'] as const];
      await shows(
        gateway,
        both.sort(([a], [b]) => a.port - b.port),
      );
      expect(await answered(gateway, '/more')).toBe(503);
      await applied(gateway, () => replaceConfig(gateway, config([first, second])));
      await shows(
        gateway,
        [[first, 'HEALTHY'] as const, [second, 'HEALTHY'] as const].sort(([a], [b]) => a.port - b.port),
      );
      expect(await answered(gateway, '/more')).not.toBe(503);
      expect(await daemonOf(gateway)).toBe(daemon);
      expect(old.ended).toBe(false);
      old.destroy();
    },
    [first, second, third],
  );
});

test('the policy of a service that is removed ends its connections', async () => {
  const [first, second] = [await HealthBackend.start(), await HealthBackend.start()];
  const live = { 'sluice.dev/live-connections': 'removed=close', 'sluice.dev/close-window': '0s' };
  const renamed: Description = { services: { other: [second] }, probes: { other: QUICK } };
  await withGateway(
    { config: config([first], {}, live), flags: { health: 'embedded' } },
    async (gateway) => {
      await shows(gateway, [[first, 'HEALTHY']]);
      const client = await RawClient.upgrade(gateway, { target: '/gone' });
      await applied(gateway, () => replaceConfig(gateway, renamed));
      await client.outcome();
      expect((await gateway.accessLog.recordOf('/gone')).closeReason).toBe('endpoint-removed');
      await shows(gateway, [[second, 'HEALTHY']]);
    },
    [first, second],
  );
});
