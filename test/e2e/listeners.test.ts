/** Addresses that the gateway listens on, and how clients of each family appear to backends and in the log. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

const families = [
  { bind: '127.0.0.1', to: '127.0.0.1', seen: '127.0.0.1', logged: /^127\.0\.0\.1:\d+$/ },
  { bind: '::1', to: '::1', seen: '::1', logged: /^\[::1\]:\d+$/ },
  { bind: '::', to: '127.0.0.1', seen: '127.0.0.1', logged: /^127\.0\.0\.1:\d+$/ },
  { bind: '::', to: '::1', seen: '::1', logged: /^\[::1\]:\d+$/ },
  { bind: '0.0.0.0', to: '127.0.0.1', seen: '127.0.0.1', logged: /^127\.0\.0\.1:\d+$/ },
];

test.each(families)('bound to $bind, reached by $to', async ({ bind, to, seen, logged }) => {
  const backend = await EchoBackend.start();
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { bind } },
    async (gateway) => {
      const client = await RawClient.upgrade({ address: to, port: gateway.port }, { target: '/echo?family' });
      client.end();
      await client.outcome();
      expect((await backend.request('family')).one('x-forwarded-for')).toBe(seen);
      expect((await gateway.accessLog.recordOf('family')).clientIp).toMatch(logged);
    },
    [backend],
  );
});

test('several ports', async () => {
  const backend = await EchoBackend.start();
  const listeners = [80, 81, 8080].map((port) => ({ name: `on-${port}`, port }));
  await withGateway(
    { config: { listeners, services: { echo: [backend] } } },
    async (gateway) => {
      for (const { name, port } of listeners) {
        const client = await RawClient.upgrade(gateway.listener(name), { target: `/echo?${name}-` });
        client.end();
        await client.outcome();
        const record = await gateway.accessLog.recordOf(`${name}-`);
        expect(record).toMatchObject({ frontendName: 'test/edge', frontendPort: port });
      }
    },
    [backend],
  );
});
