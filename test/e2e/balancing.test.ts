/** Strategies of a service's balancing policy, in a real gateway with two workers. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { type Field, upgradeHead } from '../support/heads.js';
import { type Address, RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

async function startBackends(count: number, fields: (index: number) => readonly Field[] = () => []) {
  return await Promise.all(Array.from({ length: count }, (_, index) => EchoBackend.start({ fields: fields(index) })));
}

/** Opens a connection and says which of the backends it reached. */
async function reached(gateway: Address, backends: readonly EchoBackend[], add: readonly Field[] = []) {
  const before = backends.map(({ requests }) => requests);
  const client = await RawClient.upgrade(gateway, { add });
  const index = backends.findIndex(({ requests }, at) => requests !== before[at]);
  return { client, index };
}

test('least-request sends to whoever has the fewest connections, over both workers', async () => {
  const backends = await startBackends(3);
  const config = { services: { echo: backends }, balancing: { echo: { strategy: 'least-request' } } };
  await withGateway(
    { config },
    async (gateway) => {
      const opened = [];
      for (let left = 30; left > 0; left -= 1) opened.push(await reached(gateway, backends));
      expect(backends.map(({ open }) => open)).toEqual([10, 10, 10]);
      const leaving = opened.filter(({ index }) => index === 1).slice(0, 6);
      for (const { client } of leaving) client.destroy();
      await eventually(() => expect(backends[1]?.open).toBe(4));
      const coming = [];
      for (let left = 6; left > 0; left -= 1) coming.push(await reached(gateway, backends));
      expect(coming.map(({ index }) => index)).toEqual([1, 1, 1, 1, 1, 1]);
      for (const { client } of [...opened, ...coming]) client.destroy();
    },
    backends,
  );
});

test('ring-hash sends equal values of the header to one endpoint, in every worker and every gateway', async () => {
  const backends = await startBackends(4);
  const config = {
    services: { echo: backends },
    balancing: { echo: { strategy: 'ring-hash' } },
    annotations: { echo: { 'sluice.dev/hash-key': 'header:X-User' } },
  };
  const users = Array.from({ length: 16 }, (_, index) => `user-${index}`);
  const maps: number[][] = [];
  const learn = async (gateway: Address): Promise<void> => {
    const map = [];
    for (const user of users) {
      const seen = new Set<number>();
      for (let left = 3; left > 0; left -= 1) {
        const { client, index } = await reached(gateway, backends, [['X-User', user]]);
        seen.add(index);
        client.destroy();
      }
      expect(seen.size, user).toBe(1);
      map.push(...seen);
    }
    maps.push(map);
  };
  await withGateway({ config }, learn);
  await withGateway({ config, flags: { workers: '3' } }, learn, backends);
  expect(maps[0]).toEqual(maps[1]);
  expect(new Set(maps[0]).size).toBeGreaterThan(1);
});

test('load-aware shares by the weights that the endpoints report, and tells no client of them', async () => {
  const report = (index: number): readonly Field[] => [
    index === 0
      ? ['endpoint-load-metrics', 'cpu_utilization=0.8, rps_fractional=16']
      : ['Endpoint-Load-Metrics', 'JSON {"applicationUtilization": 0.2, "rpsFractional": 16}'],
  ];
  const backends = await startBackends(2, report);
  const config = {
    services: { echo: backends },
    balancing: { echo: { strategy: 'load-aware', loadAware: { blackoutPeriod: '0s' } } },
  };
  await withGateway(
    { config },
    async (gateway) => {
      const batch = async (): Promise<void> => {
        const counts = [0, 0];
        for (let left = 50; left > 0; left -= 1) {
          const { client, index } = await reached(gateway, backends);
          counts[index] = (counts[index] ?? 0) + 1;
          client.destroy();
        }
        expect(Math.abs((counts[1] ?? 0) - 40), String(counts)).toBeLessThanOrEqual(3);
      };
      await eventually(batch, { budgetMs: 15_000 });
      for (const target of ['/echo', '/?fault=answer&status=404']) {
        const { client, answer } = await RawClient.request(gateway, upgradeHead({ target }));
        expect(answer.one('x-backend')).toBe('says so');
        expect(answer.raw).not.toMatch(/load-metrics/i);
        client.destroy();
      }
    },
    backends,
  );
});

test('a malformed load report is passed over and logged, and the client gets its 101 without it', async () => {
  const backends = await startBackends(1, () => [['endpoint-load-metrics', 'cpu_utilization=much']]);
  const config = { services: { echo: backends }, balancing: { echo: { strategy: 'load-aware' } } };
  await withGateway(
    { config },
    async (gateway) => {
      const { client, answer } = await RawClient.request(gateway, upgradeHead());
      expect(answer.status).toBe(101);
      expect(answer.raw).not.toMatch(/load-metrics/i);
      client.destroy();
      const line = await gateway.logged(({ msg }) => msg?.includes('malformed load report') === true);
      expect(line).toMatchObject({ level: 40, service: 'test/echo/80', endpoint: `127.0.0.1:${backends[0]?.port}` });
    },
    backends,
  );
});

test('a 503 says in words why in the record, and spreads when to come back over 1 to 5 s', async () => {
  await withGateway({ config: { services: { echo: [] } } }, async (gateway) => {
    const waits = new Set<string>();
    for (let left = 60; left > 0; left -= 1) {
      const { client, answer } = await RawClient.request(gateway, upgradeHead());
      expect(answer.status).toBe(503);
      waits.add(answer.one('retry-after') ?? '');
      client.destroy();
    }
    for (const wait of waits) expect(wait).toMatch(/^[1-5]$/);
    expect(waits.size).toBeGreaterThan(2);
    await eventually(() => {
      const record = gateway.accessLog.records()[0];
      expect(record).toMatchObject({ refusal: 'no-endpoint', refusalReason: expect.stringMatching(/no endpoint/) });
    });
  });
});
