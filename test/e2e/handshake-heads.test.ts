/** Heads that come in pieces, and bytes that come right behind them: nothing is lost, whatever the segments. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import type { Exchange } from '../support/exchange.js';
import { clientFrame } from '../support/frames.js';
import { upgradeHead } from '../support/heads.js';
import { pattern } from '../support/pattern.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';
import { taken } from '../support/socket-queues.js';

const running = sharedGateway(
  async () => ({ backend: await EchoBackend.start() }),
  ({ backend }) => ({ config: { services: { echo: [backend] } } }),
);

const positions = (length: number) => Array.from({ length: length - 1 }, (_, index) => index + 1);

async function expectEcho(client: RawClient, bytes: Buffer): Promise<void> {
  const head = await client.readHead();
  expect(head.status).toBe(101);
  expect((await client.read(bytes.length)).equals(bytes)).toBe(true);
  client.end();
  expect(await client.readToEnd()).toHaveLength(0);
}

test('a request head and its first frame, cut at every byte', async () => {
  const frame = clientFrame('first message');
  const bytes = Buffer.concat([Buffer.from(upgradeHead()), frame]);
  const cuts = positions(bytes.length);
  const clients = await Promise.all(cuts.map(() => RawClient.connect(running().gateway)));
  await Promise.all(clients.map((client, index) => client.write(bytes.subarray(0, cuts[index]))));
  await taken(clients.map(({ socket }) => socket));
  await Promise.all(clients.map((client, index) => client.write(bytes.subarray(cuts[index]))));
  await Promise.all(clients.map((client) => expectEcho(client, frame)));
});

test('a request head that comes byte by byte', async () => {
  const client = await RawClient.connect(running().gateway);
  for (const byte of Buffer.from(upgradeHead())) {
    await client.write(Buffer.from([byte]));
  }
  await client.write('behind the head');
  await expectEcho(client, Buffer.from('behind the head'));
});

test('the head of the answer and the first bytes of the stream, cut at every byte', async () => {
  const { gateway, backends } = running();
  const early = 'first bytes';
  const probe = await RawClient.request(gateway, upgradeHead());
  probe.client.destroy();
  // The backend's own head lacks what the gateway adds, so the last of these cuts lie behind the stream's first bytes.
  const cuts = positions(probe.answer.raw.length + early.length);
  const clients = await Promise.all(cuts.map(() => RawClient.connect(gateway)));
  const target = (at: number) => `/echo?fault=cut-head&at=${at}`;
  await Promise.all(clients.map((client, index) => client.write(upgradeHead({ target: target(cuts[index] ?? 0) }))));
  const isCut = ({ request }: Exchange) => request.target.includes('cut-head');
  await eventually(() => expect(backends.backend.exchanges.filter(isCut)).toHaveLength(cuts.length));
  const exchanges = backends.backend.exchanges.filter(isCut);
  await taken(exchanges.map(({ socket }) => socket));
  for (const exchange of exchanges) {
    exchange.goOn();
  }
  await Promise.all(
    clients.map(async (client) => {
      expect((await client.readHead()).status).toBe(101);
      expect((await client.read(early.length)).toString()).toBe(early);
      client.end();
      expect(await client.readToEnd()).toHaveLength(0);
    }),
  );
});

const sizes = [1, 100, 15_000, 16_384, 60_000, 1_000_000];

test.each(sizes)('%i bytes in one write behind the request head', async (size) => {
  const client = await RawClient.connect(running().gateway);
  const tail = pattern(size);
  const written = client.write(Buffer.concat([Buffer.from(upgradeHead()), tail]));
  await expectEcho(client, tail);
  await written;
});

test.each(sizes)('%i bytes in one write behind the 101', async (size) => {
  const target = `/echo?fault=early-data&size=${size}`;
  const { client, answer } = await RawClient.request(running().gateway, upgradeHead({ target }));
  expect(answer.status).toBe(101);
  expect((await client.read(size)).equals(pattern(size))).toBe(true);
  await client.write('then an echo');
  expect((await client.read(12)).toString()).toBe('then an echo');
  client.destroy();
});

test('bytes behind both heads at once', async () => {
  const client = await RawClient.connect(running().gateway);
  const tail = pattern(20_000);
  const head = upgradeHead({ target: '/echo?fault=early-data&size=30000' });
  await client.write(Buffer.concat([Buffer.from(head), tail]));
  expect((await client.readHead()).status).toBe(101);
  expect((await client.read(30_000)).equals(pattern(30_000))).toBe(true);
  expect((await client.read(20_000)).equals(tail)).toBe(true);
  client.destroy();
});

test('FIN in the segment of the head', async () => {
  const client = await RawClient.connect(running().gateway);
  client.socket.end(`${upgradeHead()}the whole stream`);
  await expectEcho(client, Buffer.from('the whole stream'));
});

test.each(['103', '103,103,103', '100,103', '102'])('interim answers %s come before the 101', async (interim) => {
  const target = `/echo?fault=interim&interim=${interim}`;
  const client = await RawClient.connect(running().gateway);
  await client.write(`${upgradeHead({ target })}early`);
  for (const status of interim.split(',')) {
    const head = await client.readHead();
    expect(head.status).toBe(Number(status));
    expect(head.one('link')).toBe(`</${status}>; rel=preload`);
  }
  await expectEcho(client, Buffer.from('early'));
});

test('what begins as no request does is refused at once, and the log says that it is TLS', async () => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  await client.write(Buffer.from('160301020001', 'hex'));
  const { status } = await client.readHead();
  expect(status).toBe(400);
  expect(await gateway.accessLog.record({ refusal: 'malformed-request-line' })).toMatchObject({
    refusalReason: expect.stringContaining('TLS'),
    timeTaken: expect.any(Number),
  });
  client.destroy();
});
