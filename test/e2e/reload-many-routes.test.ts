/** Removing routes of which there are more than metric groups: each ends its own connections, and nobody else's. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import type { RouteDescription } from '../support/manifests.js';
import { RawClient } from '../support/raw-client.js';
import { applied, replaceConfig } from '../support/reloading.js';
import { withGateway } from '../support/scenario.js';

/** Metric groups end at 1024. */
const ROUTES = 1500;

async function echoes(client: RawClient): Promise<void> {
  await client.write('still here');
  expect((await client.read(10)).toString()).toBe('still here');
}

/** All of the same length, so that they are numbered in this order. */
function nameOf(at: number): string {
  return `r${at + 1_000_000}`;
}

function route(at: number): RouteDescription {
  const annotations = { 'sluice.dev/live-connections': 'close', 'sluice.dev/close-window': '0s' };
  return { name: nameOf(at), annotations, rules: [{ prefix: `/${nameOf(at)}`, backends: ['echo'] }] };
}

test('a connection ends with its route, the 1 500th too, and others stay', async () => {
  const backend = await EchoBackend.start({ record: false });
  const services = { echo: [backend] };
  const all = Array.from({ length: ROUTES }, (_, at) => route(at));
  const [stays, ends] = [`/${nameOf(ROUTES - 2)}`, `/${nameOf(ROUTES - 1)}`];
  await withGateway(
    { config: { services, routes: all } },
    async (gateway) => {
      const open = (target: string) => RawClient.upgrade(gateway, { target });
      const [kept, ended] = [await open(stays), await open(ends)];
      expect((await gateway.admin('/metrics')).body).toMatch(/^sluice_connections_active\{listener="other".*\} 2$/m);
      await applied(gateway, () => replaceConfig(gateway, { services, routes: all.slice(0, -1) }));
      await ended.outcome();
      expect((await gateway.accessLog.recordOf(ends)).closeReason).toBe('route-removed');
      await echoes(kept);
      // Nearly everything goes: a thousand routes and more in one reload.
      await applied(gateway, () => replaceConfig(gateway, { services, routes: all.slice(0, 1) }));
      await kept.outcome();
      expect((await gateway.accessLog.recordOf(stays)).closeReason).toBe('route-removed');
    },
    [backend],
  );
});
