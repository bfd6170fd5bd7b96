/** WebSocket messages between real peers, through the gateway: they must not notice it. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { pattern } from '../support/pattern.js';
import { sharedGateway } from '../support/scenario.js';
import { WsBackend } from '../support/ws-backend.js';
import { WsClient } from '../support/ws-client.js';

const MIB = 1024 * 1024;
const running = sharedGateway(
  async () => ({ backend: await WsBackend.start({ perMessageDeflate: true }) }),
  ({ backend }) => ({ config: { services: { echo: [backend] } } }),
);

test.each([0, 1, 125, 126, 65_535, 65_536, MIB])('text and binary messages of %i bytes', async (size) => {
  const client = await WsClient.connect(running().gateway, { perMessageDeflate: false });
  const sent = 'x'.repeat(size);
  const text = await client.echo(sent);
  expect(text.binary).toBe(false);
  expect(text.data.toString()).toBe(sent);
  const binary = await client.echo(pattern(size));
  expect(binary.binary).toBe(true);
  expect(binary.data.equals(pattern(size))).toBe(true);
  await client.close();
});

test('a message of 64 MiB both ways', async () => {
  const client = await WsClient.connect(running().gateway, { perMessageDeflate: false });
  const sent = pattern(64 * MIB);
  const { data } = await client.echo(sent);
  expect(data.equals(sent)).toBe(true);
  await client.close();
});

test('a fragmented message arrives as one', async () => {
  const client = await WsClient.connect(running().gateway);
  const parts = ['one ', 'two ', '', 'three'];
  for (const [index, part] of parts.entries()) {
    client.socket.send(part, { fin: index === parts.length - 1 });
    client.socket.ping();
  }
  expect((await client.next()).data.toString()).toBe(parts.join(''));
  await client.close();
});

test('permessage-deflate is negotiated by the peers themselves', async () => {
  const { gateway } = running();
  const client = await WsClient.connect(gateway, { perMessageDeflate: { threshold: 0 }, path: '/deflate' });
  expect(client.socket.extensions).toContain('permessage-deflate');
  const text = 'compress me '.repeat(50_000);
  expect((await client.echo(text)).data.toString()).toBe(text);
  await client.close();
  const record = await gateway.accessLog.recordOf('/deflate');
  expect(record.requestBodyBytes).toBeLessThan(text.length / 10);
  expect(record.responseBodyBytes).toBeLessThan(text.length / 10);
});

test('pings are answered by the peers, both ways', async () => {
  const { gateway, backends } = running();
  const client = await WsClient.connect(gateway);
  expect(await client.ping('from the client')).toBe('from the client');
  const server = backends.backend.sockets.at(-1);
  server?.ping('from the backend');
  const [payload] = server ? await once(server, 'pong') : [];
  expect(String(payload)).toBe('from the backend');
  await client.close();
});

test('the subprotocol is chosen by the backend', async () => {
  const client = await WsClient.connect(running().gateway, { protocols: ['chat.v2', 'chat.v1'] });
  expect(client.socket.protocol).toBe('chat.v2');
  await client.close();
});

const codes = [
  { code: 1000, reason: '' },
  { code: 1001, reason: 'going away' },
  { code: 1011, reason: 'broken' },
  { code: 3000, reason: 'registered' },
  { code: 4999, reason: 'ä'.repeat(61) },
];

test.each(codes)('close code $code passes both ways', async ({ code, reason }) => {
  const { gateway, backends } = running();
  const client = await WsClient.connect(gateway);
  const seen = backends.backend.closes.length;
  await client.close(code, reason);
  await eventually(() => expect(backends.backend.closes.slice(seen)).toEqual([{ code, reason }]));
  const other = await WsClient.connect(gateway, { path: `/?close=${code}&reason=${encodeURIComponent(reason)}` });
  expect(await other.closed).toEqual({ code, reason });
});

test('a thousand messages in flight keep their order', async () => {
  const client = await WsClient.connect(running().gateway);
  const sent = Array.from({ length: 1_000 }, (_, index) => `message ${index}`);
  for (const message of sent) {
    client.socket.send(message);
  }
  for (const message of sent) {
    expect((await client.next()).data.toString()).toBe(message);
  }
  await client.close();
});
