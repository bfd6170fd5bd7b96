/** WebSocket messages between real peers, through the gateway: they must not notice it, over ws:// and wss://. */
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { Certificates } from '../support/certificates.js';
import { eventually } from '../support/eventually.js';
import { pattern } from '../support/pattern.js';
import { sharedGateway } from '../support/scenario.js';
import { WsBackend } from '../support/ws-backend.js';
import { WsClient, type WsClientOptions } from '../support/ws-client.js';

const codes = [
  { code: 1000, reason: '' },
  { code: 1001, reason: 'going away' },
  { code: 1011, reason: 'broken' },
  { code: 3000, reason: 'registered' },
  { code: 4999, reason: 'ä'.repeat(61) },
];

const MIB = 1024 * 1024;
const running = sharedGateway(
  async () => ({ backend: await WsBackend.start({ perMessageDeflate: true }), certificates: Certificates.make() }),
  ({ backend, certificates }) => ({
    config: {
      listeners: [
        { name: 'ws', port: 80 },
        { name: 'wss', port: 443, secrets: ['local'] },
      ],
      services: { echo: [backend] },
      more: [certificates.secret],
    },
  }),
);

describe.each([
  ['ws', {}],
  ['wss', { maxVersion: 'TLSv1.2' }],
  ['wss', { minVersion: 'TLSv1.3' }],
] as const)('%s %o', (listener, versions) => {
  async function connect(options: WsClientOptions = {}): Promise<WsClient> {
    const { gateway, backends } = running();
    const secure = { secure: listener === 'wss', ca: backends.certificates.ca, servername: 'localhost', ...versions };
    return await WsClient.connect(gateway.listener(listener), { ...secure, ...options });
  }

  test.each([0, 1, 125, 126, 65_535, 65_536, MIB])('text and binary messages of %i bytes', async (size) => {
    const client = await connect({ perMessageDeflate: false });
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
    const client = await connect({ perMessageDeflate: false });
    const sent = pattern(64 * MIB);
    const { data } = await client.echo(sent);
    expect(data.equals(sent)).toBe(true);
    await client.close();
  });

  test('a fragmented message arrives as one', async () => {
    const client = await connect();
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
    const mark = `${listener}${Object.values(versions)}`;
    const client = await connect({ perMessageDeflate: { threshold: 0 }, path: `/deflate-${mark}` });
    expect(client.socket.extensions).toContain('permessage-deflate');
    const text = 'compress me '.repeat(50_000);
    expect((await client.echo(text)).data.toString()).toBe(text);
    await client.close();
    const record = await gateway.accessLog.recordOf(`/deflate-${mark}`);
    expect(record.requestBodyBytes).toBeLessThan(text.length / 10);
    expect(record.responseBodyBytes).toBeLessThan(text.length / 10);
  });

  test('pings are answered by the peers, both ways', async () => {
    const { backends } = running();
    const client = await connect();
    expect(await client.ping('from the client')).toBe('from the client');
    const server = backends.backend.sockets.at(-1);
    server?.ping('from the backend');
    const [payload] = server ? await once(server, 'pong') : [];
    expect(String(payload)).toBe('from the backend');
    await client.close();
  });

  test('the subprotocol is chosen by the backend', async () => {
    const client = await connect({ protocols: ['chat.v2', 'chat.v1'] });
    expect(client.socket.protocol).toBe('chat.v2');
    await client.close();
  });

  test.each(codes)('close code $code passes both ways', async ({ code, reason }) => {
    const { backends } = running();
    const client = await connect();
    const seen = backends.backend.closes.length;
    await client.close(code, reason);
    await eventually(() => expect(backends.backend.closes.slice(seen)).toEqual([{ code, reason }]));
    const other = await connect({ path: `/?close=${code}&reason=${encodeURIComponent(reason)}` });
    expect(await other.closed).toEqual({ code, reason });
  });

  test('a thousand messages in flight keep their order', async () => {
    const client = await connect();
    const sent = Array.from({ length: 1_000 }, (_, index) => `message ${index}`);
    for (const message of sent) {
      client.socket.send(message);
    }
    for (const message of sent) {
      expect((await client.next()).data.toString()).toBe(message);
    }
    await client.close();
  });

  test('many at once, none hears another', async () => {
    const clients = await Promise.all(Array.from({ length: 100 }, () => connect()));
    await Promise.all(
      clients.map(async (client, n) => {
        for (const round of ['a', 'b', 'c'])
          expect(String((await client.echo(`${round}${n}`)).data)).toBe(`${round}${n}`);
      }),
    );
    await Promise.all(clients.map((client) => client.close()));
  });
});
