/**
 * A worker dies under load: its spliced connections go on, its handshakes end, a new worker takes its place within a
 * second, the log says why, and no access-log record is lost.
 */
import { describe, expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { EchoLoad } from '../support/load.js';
import { RawClient } from '../support/raw-client.js';
import { SANITIZED } from '../support/sanitizer.js';
import { withGateway } from '../support/scenario.js';
import { taken } from '../support/socket-queues.js';

const HANG_TIMEOUT_MS = 1_000;
const LOAD = 40;
const IN_HANDSHAKE = 10;

const deaths = [
  { fault: 'throw', detectedMs: 0 },
  { fault: 'exit', detectedMs: 0 },
  { fault: 'oom', detectedMs: SANITIZED ? 30_000 : 5_000 },
  // Ended by terminate() from outside, once its heartbeat has stopped for so long.
  { fault: 'hang', detectedMs: HANG_TIMEOUT_MS + 1_000 },
];

async function halfHandshakes(gateway: Gateway): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: IN_HANDSHAKE }, () => RawClient.connect(gateway)));
  await Promise.all(clients.map((client) => client.write(upgradeHead().slice(0, 50))));
  await taken(clients.map(({ socket }) => socket));
  return clients;
}

/** Completes the handshake where the connection has survived; true when it has. */
async function finish(client: RawClient): Promise<boolean> {
  if (client.ended) {
    client.destroy();
    return false;
  }
  await client.write(upgradeHead().slice(50));
  const { status } = await client.readHead();
  client.destroy();
  return status === 101;
}

describe.each([1, 2])('with %i workers', (workers) => {
  test.each(deaths)('$fault', async ({ fault, detectedMs }) => {
    const backend = await EchoBackend.start({ record: false });
    const options = {
      config: { services: { echo: [backend] } },
      flags: { workers: String(workers), 'worker-hang-timeout': `${HANG_TIMEOUT_MS}ms` },
      faults: true,
      expectErrors: true,
    };
    await withGateway(
      options,
      async (gateway) => {
        const load = await EchoLoad.start(gateway, LOAD);
        await load.proceed(5);
        const halves = await halfHandshakes(gateway);
        const diedAt = performance.now();
        expect((await gateway.admin(`/fault/${fault}?worker=0`, 'POST')).status).toBeLessThan(300);
        const death = await gateway.logged(
          (line) => (line.level ?? 0) >= 40 && /worker/.test(JSON.stringify(line)),
          detectedMs + 2_000,
        );
        expect(JSON.stringify(death)).toMatch(/"worker":0/);
        const lost = workers === 1 ? IN_HANDSHAKE : Math.floor(IN_HANDSHAKE / workers) - 2;
        await eventually(() => expect(halves.filter(({ ended }) => ended).length).toBeGreaterThanOrEqual(lost));
        const survivors = (await Promise.all(halves.map(finish))).filter(Boolean).length;
        expect(survivors).toBeLessThan(workers === 1 ? 1 : IN_HANDSHAKE);
        await load.proceed(20);
        const fresh = await Promise.all(Array.from({ length: 20 }, () => RawClient.upgrade(gateway)));
        expect(performance.now() - diedAt).toBeLessThan(detectedMs + 5_000);
        for (const client of fresh) {
          client.end();
        }
        await load.stop();
        await gateway.settled();
        await eventually(() => expect(gateway.accessLog.records()).toHaveLength(LOAD + IN_HANDSHAKE + fresh.length));
      },
      [backend],
    );
  });
});

test('a new worker serves within a second', async () => {
  const backend = await EchoBackend.start({ record: false });
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { workers: '1' }, faults: true, expectErrors: true },
    async (gateway) => {
      for (const fault of ['throw', 'exit']) {
        const before = performance.now();
        await gateway.admin(`/fault/${fault}?worker=0`, 'POST');
        await gateway.logged(({ level = 0 }) => level >= 40);
        const client = await RawClient.upgrade(gateway);
        expect(performance.now() - before).toBeLessThan(SANITIZED ? 5_000 : 1_500);
        client.end();
        await client.outcome();
      }
    },
    [backend],
  );
});

test('a storm of deaths ends, and the gateway serves again', async () => {
  const backend = await EchoBackend.start({ record: false });
  await withGateway(
    { config: { services: { echo: [backend] } }, faults: true, expectErrors: true },
    async (gateway) => {
      const load = await EchoLoad.start(gateway, 10);
      for (let round = 0; round < 12; round += 1) {
        await gateway.admin(`/fault/${round % 3 === 0 ? 'exit' : 'throw'}?worker=${round % 2}`, 'POST');
        await load.proceed(2);
      }
      const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.upgrade(gateway)));
      for (const client of clients) {
        client.end();
      }
      await load.stop();
    },
    [backend],
  );
}, 120_000);
