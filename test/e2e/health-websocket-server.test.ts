/**
 * A WebSocket server whose `/` answers plain HTTP with 404 or 426, the reference documentation's own case: unhealthy by
 * the default probe, which says in words what it wants, and healthy by the WebSocket probe.
 */
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { HealthBackend } from '../support/health-backend.js';
import { answered, backendHealth, type EndpointHealth, HEALTH_BUDGET_MS } from '../support/health-gateway.js';
import { withGateway } from '../support/scenario.js';

const WEBSOCKET = { interval: '100ms', protocol: 'WebSocket', websocket: { path: '/probe', ping: true } };
const HINT = {
  404: '; if it is a WebSocket server, it wants protocol: WebSocket in a HealthCheckPolicy',
  426: '; a WebSocket server wants protocol: WebSocket',
} as const;

test('is unhealthy by the default probe, which says why, and healthy by the WebSocket probe', async () => {
  const backends = { 404: await HealthBackend.start(404), 426: await HealthBackend.start(426) };
  const services = {
    plain404: [backends[404]],
    plain426: [backends[426]],
    ws404: [backends[404]],
    ws426: [backends[426]],
  };
  const config = {
    services,
    routes: [{ rules: Object.keys(services).map((name) => ({ prefix: `/${name}`, backends: [name] })) }],
    // The others have no policy.
    probes: { ws404: WEBSOCKET, ws426: WEBSOCKET },
  };
  await withGateway(
    { config, flags: { health: 'embedded', 'eject-after': '0' } },
    async (gateway) => {
      // The default probe takes three failures, 5 s apart.
      const seen = await eventually(() => judged(gateway), { budgetMs: 2 * HEALTH_BUDGET_MS });
      for (const status of [404, 426] as const) {
        const why = `probe GET / answered ${status}${HINT[status]}`;
        expect(seen[`plain${status}`]).toMatchObject({ status: 'UNHEALTHY', why });
        expect(seen[`ws${status}`]).toMatchObject({ status: 'HEALTHY', why: '' });
        expect(backends[status].probed).toBeGreaterThan(0);
        expect(await answered(gateway, `/plain${status}`)).toBe(503);
        expect(await gateway.accessLog.recordOf(`/plain${status}`)).toMatchObject({
          httpStatusCode: 503,
          refusal: 'no-endpoint',
          refusalReason: why,
        });
        expect(await answered(gateway, `/ws${status}`)).toBe(101);
      }
    },
    Object.values(backends),
  );
});

/** What is said of the one endpoint of each service. Throws while one of them is not judged yet. */
async function judged(gateway: Gateway): Promise<Record<string, EndpointHealth['health'] | undefined>> {
  const { services } = await backendHealth(gateway);
  const all = services.map(({ serviceName, serviceHealth }) => {
    return [serviceName.split('/')[1] ?? '', serviceHealth[0]?.endpoints[0]?.health] as const;
  });
  expect(all.map(([, health]) => health?.status)).not.toContain('UNKNOWN');
  return Object.fromEntries(all);
}
