/**
 * A worker dies under load: its spliced connections go on, what it had to decide ends, a new worker takes its place
 * soon, the log says why, and no access-log record is lost.
 */
import { describe, expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import type { GatewayOptions } from '../support/launch.js';
import { EchoLoad } from '../support/load.js';
import { RawClient } from '../support/raw-client.js';
import { SANITIZED } from '../support/sanitizer.js';
import { withGateway } from '../support/scenario.js';
import { taken } from '../support/socket-queues.js';

const HANG_TIMEOUT_MS = 1_000;
const LOAD = 40;
const EACH = 10;

const deaths = [
  { fault: 'throw', detectedMs: 0 },
  { fault: 'exit', detectedMs: 0 },
  { fault: 'oom', detectedMs: SANITIZED ? 30_000 : 5_000 },
  // Ended by terminate() from outside, once its heartbeat has stopped for so long.
  { fault: 'hang', detectedMs: HANG_TIMEOUT_MS + 1_000 },
];

/** Connections whose head has come in part, and connections whose backend does not answer. */
async function handshakes(
  gateway: Gateway,
  backend: EchoBackend,
): Promise<{ halves: RawClient[]; asked: RawClient[] }> {
  const connect = () => Promise.all(Array.from({ length: EACH }, () => RawClient.connect(gateway)));
  const [halves, asked] = await Promise.all([connect(), connect()]);
  const before = backend.requests;
  await Promise.all(halves.map((client) => client.write(upgradeHead().slice(0, 50))));
  await Promise.all(asked.map((client) => client.write(upgradeHead({ target: '/?fault=silent' }))));
  await taken(halves.map(({ socket }) => socket));
  await eventually(() => expect(backend.requests).toBe(before + EACH));
  return { halves, asked };
}

/** Completes the handshake where the connection has survived: then it must be served. */
async function finish(client: RawClient): Promise<void> {
  if (!client.ended) {
    await client.write(upgradeHead().slice(50));
    expect((await client.readHead()).status).toBe(101);
    client.end();
    await client.outcome();
  }
  client.destroy();
}

const countEnded = (clients: readonly RawClient[]) => clients.filter(({ ended }) => ended).length;

describe.each([1, 2])('with %i workers', (workers) => {
  test.each(deaths)('$fault', async ({ fault, detectedMs }) => {
    const backend = await EchoBackend.start({ record: false });
    const options: GatewayOptions = {
      config: { services: { echo: [backend] } },
      flags: { workers: String(workers), 'worker-hang-timeout': fault === 'hang' ? `${HANG_TIMEOUT_MS}ms` : '1m' },
      faults: true,
      expectErrors: true,
    };
    await withGateway(
      options,
      async (gateway) => {
        const load = await EchoLoad.start(gateway, LOAD);
        await load.proceed(5);
        const { halves, asked } = await handshakes(gateway, backend);
        const diedAt = performance.now();
        expect((await gateway.admin(`/fault/${fault}?worker=0`, 'POST')).status).toBeLessThan(300);
        const death = await gateway.logged(({ level = 0, worker }) => level >= 40 && worker === 0, detectedMs + 2_000);
        expect(JSON.stringify(death)).toMatch(deathText[fault] ?? /never/);
        const lost = EACH / workers;
        await eventually(() => expect(countEnded(asked)).toBeGreaterThanOrEqual(lost - 1));
        expect(countEnded(asked)).toBeLessThanOrEqual(lost + 1);
        await load.proceed(20);
        const fresh = await Promise.all(Array.from({ length: 20 }, () => RawClient.upgrade(gateway)));
        expect(performance.now() - diedAt).toBeLessThan(detectedMs + 5_000);
        await Promise.all(halves.map(finish));
        for (const client of [...fresh, ...asked]) {
          client.end();
        }
        await load.stop();
        await gateway.settled();
        const records = LOAD + halves.length + asked.length + fresh.length;
        await eventually(() => expect(gateway.accessLog.records()).toHaveLength(records));
      },
      [backend],
    );
  });
});

/** What the log must say of each death. */
const deathText: Readonly<Record<string, RegExp>> = {
  throw: /injected fault/,
  exit: /exit/,
  oom: /memory/i,
  hang: /hang|heartbeat|has not run/i,
};

test('a new worker serves soon', async () => {
  const backend = await EchoBackend.start({ record: false });
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { workers: '1' }, faults: true, expectErrors: true },
    async (gateway) => {
      for (const fault of ['throw', 'exit']) {
        const asked = await RawClient.connect(gateway);
        await asked.write(upgradeHead({ target: '/?fault=silent' }));
        await eventually(() => expect(backend.open).toBe(1));
        const before = performance.now();
        await gateway.admin(`/fault/${fault}?worker=0`, 'POST');
        await asked.outcome(); // ends with the worker
        asked.destroy();
        const client = await RawClient.upgrade(gateway);
        expect(performance.now() - before).toBeLessThan(SANITIZED ? 10_000 : 4_000); // 0.3 s on a machine that has nothing else to do
        client.end();
        await client.outcome();
        await eventually(() => expect(backend.open).toBe(0));
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
