/** Live connections spread evenly over the endpoints of a service and over the workers. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

const ENDPOINTS = 4;
const CONNECTIONS = 400;

test.each([1, 2, 4])('over 4 endpoints with %i workers, within 10 %', async (workers) => {
  const backends = await Promise.all(Array.from({ length: ENDPOINTS }, () => EchoBackend.start({ record: false })));
  await withGateway(
    { config: { services: { echo: backends } }, flags: { workers: String(workers) } },
    async (gateway) => {
      const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => RawClient.upgrade(gateway)));
      const even = CONNECTIONS / ENDPOINTS;
      for (const backend of backends) {
        expect(Math.abs(backend.open - even)).toBeLessThanOrEqual(even / 10);
      }
      for (const client of clients) {
        client.destroy();
      }
    },
    backends,
  );
});

test('over 4 workers, within 10 %: counted by the handshakes that end with each of them', async () => {
  const backend = await EchoBackend.start({ record: false });
  const workers = 4;
  const even = 20;
  await withGateway(
    {
      config: { services: { echo: [backend] } },
      flags: { workers: String(workers) },
      faults: true,
      expectErrors: true,
    },
    async (gateway) => {
      const clients = await Promise.all(Array.from({ length: workers * even }, () => RawClient.connect(gateway)));
      const target = '/?fault=silent'; // a worker's handshakes end with it, where TypeScript has to decide
      await Promise.all(clients.map((client) => client.write(upgradeHead({ target }))));
      await eventually(() => expect(backend.requests).toBe(clients.length));
      const ended = () => clients.filter((client) => client.ended).length;
      for (let worker = 0; worker < workers; worker += 1) {
        const before = ended();
        await gateway.admin(`/fault/exit?worker=${worker}`, 'POST');
        await eventually(() => expect(Math.abs(ended() - before - even)).toBeLessThanOrEqual(even / 10), {
          successes: 5,
        });
      }
      for (const client of clients) {
        client.destroy();
      }
    },
    [backend],
  );
});
