/** Limits that a peer can reach: at each one the gateway goes on for everybody else, and for those who waited. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { standstill } from '../support/flood.js';
import { splitHead, upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

const served = (client: RawClient) => splitHead(client.buffered)?.head.status === 101;

test('--connections-max: what is beyond it waits, or is closed, and is served later', async () => {
  const backend = await EchoBackend.start({ record: false });
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { workers: '1', 'connections-max': '20' } },
    async (gateway) => {
      const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(gateway)));
      await Promise.all(clients.map((client) => client.write(upgradeHead()).catch(() => undefined)));
      const count = await standstill(() => clients.filter(served).length);
      expect(count).toBeGreaterThanOrEqual(15);
      expect(count).toBeLessThanOrEqual(25);
      for (const client of clients) {
        client.destroy();
      }
      await eventually(() => expect(backend.open).toBe(0));
      const client = await RawClient.upgrade(gateway);
      client.end();
      await client.outcome();
    },
    [backend],
  );
});

test('--head-bytes-max: a head of just that size is served, one more byte is refused', async () => {
  const backend = await EchoBackend.start();
  const max = 2_000;
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { 'head-bytes-max': String(max) } },
    async (gateway) => {
      for (const [size, status] of [
        [max - 1, 101],
        [max, 101],
        [max + 1, 431],
      ] as const) {
        const padding = 'x'.repeat(size - upgradeHead({ add: [['X-Pad', '']] }).length);
        const head = upgradeHead({ add: [['X-Pad', padding]] });
        expect(head).toHaveLength(size);
        const { client, answer } = await RawClient.request(gateway, head);
        expect(answer.status, `${size} bytes`).toBe(status);
        client.destroy();
      }
    },
    [backend],
  );
});

test('many slow heads do not keep others out', async () => {
  const backend = await EchoBackend.start({ record: false });
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { 'request-head-timeout': '2s' } },
    async (gateway) => {
      const slow = await Promise.all(Array.from({ length: 500 }, () => RawClient.connect(gateway)));
      await Promise.all(slow.map((client) => client.write('GET / HTTP/1.1\r\nX: ')));
      const client = await RawClient.upgrade(gateway);
      await client.write('served');
      expect((await client.read(6)).toString()).toBe('served');
      client.end();
      for (const each of slow) {
        expect((await readAnswer(each)).head.status).toBe(408);
        each.destroy();
      }
    },
    [backend],
  );
});

test('a refused client that never closes is closed', async () => {
  const backend = await EchoBackend.start({ record: false });
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { 'linger-timeout': '300ms' } },
    async (gateway) => {
      const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(gateway)));
      await Promise.all(clients.map((client) => client.write('garbage\r\n\r\n')));
      await Promise.all(clients.map((client) => client.outcome()));
      await gateway.settled(2_000); // although no client has closed its side
      for (const client of clients) {
        client.destroy();
      }
    },
    [backend],
  );
});

test('a thousand idle connections cost no processor time', async () => {
  const backend = await EchoBackend.start({ record: false });
  await withGateway(
    { config: { services: { echo: [backend] } } },
    async (gateway) => {
      const clients = await Promise.all(Array.from({ length: 1_000 }, () => RawClient.upgrade(gateway)));
      await standstill(() => backend.open);
      const before = gateway.cpuMs();
      await delay(2_000);
      expect(gateway.cpuMs() - before).toBeLessThan(150);
      for (const client of clients) {
        client.destroy();
      }
    },
    [backend],
  );
});
