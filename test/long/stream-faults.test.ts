/**
 * Thousands of faults over TLS: WebSockets and requests, in HTTP/1.1 and HTTP/2, from clients that reset, leave and stall
 * and to backends that do. After every round connections and descriptors are back, and memory does not grow.
 */
import { expect, test } from 'vitest';
import { Certificates } from '../support/certificates.js';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { type Asked, type FaultClient, overHttp1, overHttp2 } from '../support/fault-client.js';
import { HttpBackend } from '../support/http-backend.js';
import { Random, seedOfRun } from '../support/random.js';
import { MEMORY_FACTOR } from '../support/sanitizer.js';
import { withGateway } from '../support/scenario.js';

const DURATION_MS = Number(process.env.SLUICE_FAULTS_MS ?? 180_000);
const ROUNDS = 12;
const LANES = 16;
/** As in the soak test: one step of the resident size is V8's, and no leak. */
const GROWTH_BYTES = 48_000_000;

const WEBSOCKETS = [
  '',
  'fault=reset-on-data',
  'fault=reset-after-101',
  'fault=half-close&size=9000',
  'fault=wrong-accept',
];
const REQUESTS = ['/echo', '/mirror', '/large', '/events', '/reset', '/cut', '/early', '/trailers'];
const HUGE: Asked['fields'] = [['x-huge', 'x'.repeat(20_000)]];

const ACTS: readonly ((client: FaultClient) => unknown)[] = [
  (client) => client.reset(),
  (client) => client.leave(),
  (client) => client.end(),
  async (client) => {
    await client.status();
    client.send('x'.repeat(5_000));
    client.reset();
  },
  async (client) => {
    client.send('x'.repeat(5_000));
    await client.status();
    client.leave();
  },
  async (client) => {
    await client.status();
    client.send('x');
    client.end();
    await client.over();
  },
];

test('faults without end leave nothing', async () => {
  const random = new Random(seedOfRun());
  const [http, echo] = await Promise.all([HttpBackend.start(), EchoBackend.start({ record: false })]);
  const certificates = Certificates.make();
  const config = {
    listeners: [{ name: 'https', port: 443, secrets: ['local'] }],
    services: { http: [http], echo: [echo] },
    routes: [{ rules: [{ prefix: '/ws', backends: ['echo'] }, { backends: ['http'] }] }],
    more: [certificates.secret],
  };
  const flags = { 'stream-idle-timeout': '1s', 'answer-timeout': '1s', 'eject-after': '0' };
  await withGateway(
    { config, flags },
    async (gateway) => {
      const one = async () => {
        const websocket = random.next() < 0.5;
        const path = websocket ? `/ws?${random.pick(WEBSOCKETS)}` : random.pick(REQUESTS);
        const length = websocket || random.next() < 0.5 ? 0 : 9_000;
        const fields = random.next() < 0.05 ? HUGE : [];
        const open = random.pick([overHttp1, overHttp2]);
        const client = await open({ to: gateway, ca: certificates.ca, path, websocket, length, fields });
        // What does not happen any more is what a fault is about.
        await Promise.resolve(random.pick(ACTS)(client)).catch(() => undefined);
        client.close();
      };
      const resident: number[] = [];
      let clients = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const deadline = performance.now() + DURATION_MS / ROUNDS;
        const lane = async () => {
          for (; performance.now() < deadline; clients += 1) await one();
        };
        await Promise.all(Array.from({ length: LANES }, lane));
        await eventually(
          async () => {
            http.server.closeAllConnections();
            await gateway.settled(0);
            expect((await gateway.admin('/metrics')).body).not.toMatch(/^sluice_connections_active\{[^}]*\} [^0]/m);
          },
          { budgetMs: 15_000 },
        );
        resident.push(gateway.residentBytes());
      }
      console.log(`${clients} clients, resident MB: ${resident.map((b) => Math.round(b / 1e6)).join(' ')}`);
      const settled = Math.max(...resident.slice(ROUNDS / 3, (2 * ROUNDS) / 3));
      expect(resident.at(-1)).toBeLessThan(settled + GROWTH_BYTES * MEMORY_FACTOR);
    },
    [http, echo, certificates],
  );
});
