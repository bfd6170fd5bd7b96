/** Endpoints whose connects fail are left out for a while: without probes, over two workers. */
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { HealthBackend } from '../support/health-backend.js';
import { answered, spread } from '../support/health-gateway.js';
import { withGateway } from '../support/scenario.js';

async function startBackends(count: number): Promise<HealthBackend[]> {
  const backends: HealthBackend[] = [];
  for (let left = count; left > 0; left -= 1) backends.push(await HealthBackend.start());
  return backends;
}

/** Lines about this endpoint. */
function ejections(gateway: Gateway, { port }: HealthBackend): number {
  return gateway.log.filter(
    ({ msg, endpoint }) => msg?.startsWith('passively ejected') === true && endpoint === `127.0.0.1:${port}`,
  ).length;
}

test('a refusing endpoint is ejected after three connects, and is left out even when it is back', async () => {
  const backends = await startBackends(3);
  const [first] = backends as [HealthBackend];
  await withGateway(
    { config: { services: { echo: backends } }, flags: { 'eject-time': '1m' } },
    async (gateway) => {
      await first.refuse();
      expect((await spread(gateway, backends, 24))[0]).toBe(0);
      const line = await gateway.logged(({ msg }) => msg?.startsWith('passively ejected') === true);
      expect(line).toMatchObject({
        level: 40,
        service: 'test/echo/80',
        endpoint: `127.0.0.1:${first.port}`,
        failures: 3,
      });
      expect(Number(line.forMs)).toBeGreaterThanOrEqual(48_000);
      expect(Number(line.forMs)).toBeLessThanOrEqual(72_000);
      await first.up();
      const [alone, ...others] = await spread(gateway, backends, 24);
      expect(alone).toBe(0);
      expect(others.reduce((sum, each) => sum + each, 0)).toBe(24);
    },
    backends,
  );
});

test('it gets its chance when the time is over: refused again it is out again at once, else it is in', async () => {
  const backends = await startBackends(2);
  const [first] = backends as [HealthBackend];
  await withGateway(
    { config: { services: { echo: backends } }, flags: { 'eject-time': '200ms', 'eject-time-max': '400ms' } },
    async (gateway) => {
      await first.refuse();
      await eventually(
        async () => {
          expect((await spread(gateway, backends, 4))[0]).toBe(0);
          expect(ejections(gateway, first)).toBeGreaterThanOrEqual(2);
        },
        { budgetMs: 20_000 },
      );
      await first.up();
      await eventually(async () => expect((await spread(gateway, backends, 4))[0]).toBe(2), { budgetMs: 20_000 });
      const said = ejections(gateway, first);
      await spread(gateway, backends, 20);
      expect(ejections(gateway, first)).toBe(said);
    },
    backends,
  );
});

test('of two at most one is ejected, and it is tried all the same when the other one fails', async () => {
  const backends = await startBackends(2);
  await withGateway(
    { config: { services: { echo: backends } }, flags: { 'eject-time': '1h', 'eject-time-max': '1h' } },
    async (gateway) => {
      for (const backend of backends) await backend.refuse();
      for (let left = 8; left > 0; left -= 1) expect(await answered(gateway)).toBe(502);
      const ejected = () => backends.filter((backend) => ejections(gateway, backend) > 0);
      await eventually(() => expect(ejected()).toHaveLength(1));
      const [out] = ejected() as [HealthBackend];
      // The other one still refuses and stays a candidate; the ejected one answers the retry.
      await out.up();
      expect(await answered(gateway)).toBe(101);
      expect(ejected()).toEqual([out]);
    },
    backends,
  );
});

test('the only endpoint is never ejected: when it is back it is used at once', async () => {
  const backends = await startBackends(1);
  const [only] = backends as [HealthBackend];
  await withGateway(
    { config: { services: { echo: backends } }, flags: { 'eject-time': '1h', 'eject-time-max': '1h' } },
    async (gateway) => {
      await only.refuse();
      for (let left = 8; left > 0; left -= 1) expect(await answered(gateway)).toBe(502);
      await only.up();
      expect(await answered(gateway)).toBe(101);
      expect(ejections(gateway, only)).toBe(0);
    },
    backends,
  );
});

test('--eject-after 0 ejects nobody', async () => {
  const backends = await startBackends(2);
  const [first] = backends as [HealthBackend];
  await withGateway(
    { config: { services: { echo: backends } }, flags: { 'eject-after': '0' } },
    async (gateway) => {
      await first.refuse();
      await spread(gateway, backends, 12);
      expect(ejections(gateway, first)).toBe(0);
      await first.up();
      expect(await spread(gateway, backends, 12)).toEqual([6, 6]);
    },
    backends,
  );
});
