/** Limits on spliced connections: each ends what it should, at its time, and the log says which and who was silent. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { handedOver, offer, standstill } from '../support/flood.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

test('idle: both silent for so long', async () => {
  const backend = await EchoBackend.start();
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { 'stream-idle-timeout': '500ms' } },
    async (gateway) => {
      const opened = performance.now();
      const client = await RawClient.upgrade(gateway, { target: '/echo?idle' });
      await client.outcome();
      expect(performance.now() - opened).toBeGreaterThan(400);
      expect(performance.now() - opened).toBeLessThan(2_500);
      client.destroy();
      await eventually(() => expect(backend.open).toBe(0));
      const record = await gateway.accessLog.recordOf('idle');
      expect(record.closeReason).toBe('idle-timeout');
      expect(record.clientSilentMs).toBeGreaterThanOrEqual(400);
      expect(record.backendSilentMs).toBeGreaterThanOrEqual(400);
    },
    [backend],
  );
});

test('idle: bytes in one direction are enough to keep a connection', async () => {
  const backend = await EchoBackend.start();
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { 'stream-idle-timeout': '1s' } },
    async (gateway) => {
      const client = await RawClient.upgrade(gateway, { target: '/?fault=sink&busy' });
      for (let beat = 0; beat < 15; beat += 1) {
        await client.write('x');
        await delay(200);
      }
      expect(client.ended).toBe(false);
      const silentSince = performance.now();
      await client.outcome();
      expect(performance.now() - silentSince).toBeLessThan(3_000);
      client.destroy();
      const record = await gateway.accessLog.recordOf('busy');
      expect(record).toMatchObject({ closeReason: 'idle-timeout', requestBodyBytes: 15, responseBodyBytes: 0 });
      expect(Number(record.backendSilentMs)).toBeGreaterThan(Number(record.clientSilentMs) + 2_000);
    },
    [backend],
  );
});

test('idle: a client that does not read does not count as busy', async () => {
  const backend = await EchoBackend.start();
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { 'stream-idle-timeout': '500ms' } },
    async (gateway) => {
      const client = await RawClient.upgrade(gateway, { target: '/?fault=flood&size=50000000&stalled' });
      client.pause();
      const record = await gateway.accessLog.recordOf('stalled');
      expect(record.closeReason).toBe('idle-timeout');
      await eventually(() => expect(backend.open).toBe(0));
      client.destroy();
    },
    [backend],
  );
});

const halves = [
  { name: 'the client has ended, the backend goes on', fault: 'sink', clientEnds: true },
  { name: 'the backend has ended, the client goes on', fault: 'half-close', clientEnds: false },
];

test.each(halves)('half-close: $name', async ({ fault, clientEnds }) => {
  const backend = await EchoBackend.start();
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { 'half-close-timeout': '400ms' } },
    async (gateway) => {
      const client = await RawClient.upgrade(gateway, { target: `/?fault=${fault}&half` });
      if (clientEnds) {
        client.end();
      }
      const record = await gateway.accessLog.recordOf('half');
      expect(record.closeReason).toBe('half-close-timeout');
      expect(Number(record.timeTaken)).toBeGreaterThanOrEqual(350);
      expect(Number(record.timeTaken)).toBeLessThan(2_500);
      client.destroy();
    },
    [backend],
  );
});

const resets = [
  { who: 'client', fault: 'stop-reading' },
  { who: 'backend', fault: 'flood&size=50000000' },
];

test.each(resets)('half-close: the $who resets while the other side does not read', async ({ who, fault }) => {
  const backend = await EchoBackend.start();
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { 'half-close-timeout': '400ms' } },
    async (gateway) => {
      const client = await RawClient.upgrade(gateway, { target: `/?fault=${fault}&stuck` });
      client.pause();
      const { socket } = await backend.exchange('stuck');
      if (who === 'client') {
        offer(client.socket, 50_000_000);
      }
      const sender = who === 'client' ? client.socket : socket;
      await standstill(() => handedOver(sender));
      sender.resetAndDestroy();
      const record = await gateway.accessLog.recordOf('stuck');
      expect(['half-close-timeout', `${who}-reset`]).toContain(record.closeReason);
      client.destroy();
      socket.destroy();
    },
    [backend],
  );
});

test('lifetime: a busy connection ends all the same', async () => {
  const backend = await EchoBackend.start();
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { lifetime: '700ms' } },
    async (gateway) => {
      const client = await RawClient.upgrade(gateway, { target: '/echo?old' });
      while (!client.ended) {
        await client.write('x').catch(() => undefined);
        await delay(20);
      }
      client.destroy();
      const record = await gateway.accessLog.recordOf('old');
      expect(record.closeReason).toBe('lifetime');
      expect(Number(record.timeTaken)).toBeGreaterThanOrEqual(600);
      expect(Number(record.timeTaken)).toBeLessThan(2_500);
    },
    [backend],
  );
});

test('without limits a silent connection stays', async () => {
  const backend = await EchoBackend.start();
  const flags = { 'stream-idle-timeout': 'off', 'answer-timeout': '300ms', 'request-head-timeout': '300ms' };
  await withGateway(
    { config: { services: { echo: [backend] } }, flags },
    async (gateway) => {
      const client = await RawClient.upgrade(gateway);
      await delay(1_500); // longer than every limit on a handshake: none of them may reach past the 101
      await client.write('still here');
      expect((await client.read(10)).toString()).toBe('still here');
      client.end();
      await client.outcome();
    },
    [backend],
  );
});
