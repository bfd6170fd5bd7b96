/** 5 000 connections at once: all of them talk, none costs much, and nothing of them stays. */
import { expect, test } from 'vitest';
import { BackendProcess } from '../support/backend-process.js';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { MEMORY_FACTOR } from '../support/sanitizer.js';
import { withGateway } from '../support/scenario.js';

const CONNECTIONS = 5_000;
const AT_ONCE = 250;

async function connectAll(gateway: Gateway): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  let started = 0;
  const lane = async () => {
    while (started < CONNECTIONS) {
      started += 1;
      clients.push(await RawClient.upgrade(gateway));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return clients;
}

async function echoAll(clients: readonly RawClient[], message: string): Promise<void> {
  await Promise.all(clients.map((client) => client.write(message)));
  for (const client of clients) {
    expect((await client.read(message.length, 30_000)).toString()).toBe(message);
  }
}

test('5 000 connections echo, and leave nothing behind', async () => {
  const backend = await BackendProcess.start();
  await withGateway(
    { config: { services: { echo: [backend] } } },
    async (gateway) => {
      const before = gateway.residentBytes();
      const clients = await connectAll(gateway);
      expect(await backend.open()).toBe(CONNECTIONS);
      await echoAll(clients, 'hello');
      await echoAll(clients, 'once more');
      // What they cost while idle is the benchmark's to measure; this only sees a buffer kept for each.
      expect(gateway.residentBytes() - before).toBeLessThan(CONNECTIONS * 20_000 * MEMORY_FACTOR);
      for (const [index, client] of clients.entries()) {
        index % 2 === 0 ? client.end() : client.reset();
      }
      await eventually(async () => expect(await backend.open()).toBe(0), { budgetMs: 20_000, intervalMs: 50 });
      await gateway.settled(20_000);
      await eventually(() => expect(gateway.accessLog.records()).toHaveLength(CONNECTIONS), { intervalMs: 200 });
      for (const client of clients) {
        client.destroy();
      }
    },
    [backend],
  );
});
