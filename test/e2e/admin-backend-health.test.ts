/** /backendHealth of a running gateway: totals, one service, detail with what only the data plane knows. */
import { expect, test } from 'vitest';
import { EchoBackend, refusingAddress } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly health: { readonly status: string; readonly why: string };
  readonly activeConnections: number;
  readonly ejected: boolean;
  readonly ejectedForMs: number;
}
interface Page {
  readonly services: readonly {
    readonly serviceName: string;
    readonly serviceHealth: readonly [{ readonly totalEndpoints: number; readonly endpoints: readonly Endpoint[] }];
  }[];
}

async function ask(gateway: Gateway, query: string): Promise<Page> {
  const { status, body } = await gateway.admin(`/backendHealth${query}`);
  expect(status).toBe(200);
  return JSON.parse(body) as Page;
}

async function endpointsOf(gateway: Gateway, service: string): Promise<readonly Endpoint[]> {
  const { services } = await ask(gateway, `?service-name=${service}&detailed=true`);
  expect(services.map(({ serviceName }) => serviceName)).toEqual([service]);
  return services[0]?.serviceHealth[0].endpoints ?? [];
}

test('totals of every service, as the reference gives them', async () => {
  const config = { services: { echo: [await refusingAddress()], none: [] } };
  await withGateway(
    { config: { ...config, routes: [{ rules: [{ backends: ['echo', 'none'] }] }] } },
    async (gateway) => {
      const none = { totalEndpoints: 0, totalHealthyEndpoints: 0, totalUnhealthyEndpoints: 0 };
      expect(await ask(gateway, '')).toEqual({
        services: [
          { serviceName: 'test/echo/80', serviceHealth: [{ ...none, totalEndpoints: 1 }] },
          { serviceName: 'test/none/80', serviceHealth: [none] },
        ],
      });
      const missing = await gateway.admin('/backendHealth?service-name=test/echo/81');
      expect(missing.status).toBe(404);
      expect(JSON.parse(missing.body)).toEqual({ error: expect.stringContaining('test/echo/81') });
    },
  );
});

test('detail: open connections, and who is left out for failed connects', async () => {
  const echo = await EchoBackend.start();
  const dead = await refusingAddress();
  const config = {
    services: { echo: [echo], half: [dead, echo] },
    routes: [
      {
        rules: [
          { prefix: '/echo', backends: ['echo'] },
          { prefix: '/half', backends: ['half'] },
        ],
      },
    ],
  };
  await withGateway(
    { config, flags: { 'eject-after': '1', 'eject-time': '1m' } },
    async (gateway) => {
      const clients = await Promise.all(Array.from({ length: 3 }, () => RawClient.upgrade(gateway)));
      const [first] = await endpointsOf(gateway, 'test/echo/80');
      expect(first).toMatchObject({ address: echo.address, port: echo.port, activeConnections: 3, ejected: false });
      await eventually(async () => {
        const { client } = await RawClient.request(gateway, upgradeHead({ target: '/half' }));
        client.destroy();
        const half = await endpointsOf(gateway, 'test/half/80');
        const left = half.filter(({ ejected }) => ejected);
        expect(left.map(({ port }) => port)).toEqual([dead.port]);
        expect(left[0]?.ejectedForMs).toBeGreaterThan(1000);
      });
      for (const client of clients) client.destroy();
      await eventually(async () => {
        expect((await endpointsOf(gateway, 'test/echo/80'))[0]?.activeConnections).toBe(0);
      });
    },
    [echo],
  );
});
