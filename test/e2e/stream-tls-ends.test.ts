/** Plain requests over TLS that end badly, and what is left of them: nothing, on either side. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { HttpBackend, LARGE_BYTES } from '../support/http-backend.js';
import { RawClient } from '../support/raw-client.js';
import { MEMORY_FACTOR } from '../support/sanitizer.js';
import { sharedGateway, withGateway } from '../support/scenario.js';
import { type TlsClient, tlsConnect } from '../support/tls-client.js';
import { HTTP_AND_WS, OPEN_HOST, TlsWorld } from '../support/tls-world.js';

const FLAGS = { 'port-map': '443=0' };
const running = sharedGateway(
  async () => ({ http: await HttpBackend.start(), ws: await EchoBackend.start(), world: new TlsWorld() }),
  ({ http, ws, world }) => ({
    config: world.manifests({ http: [http], ws: [ws] }, HTTP_AND_WS),
    flags: {
      ...FLAGS,
      'stream-idle-timeout': '2s',
      'half-close-timeout': '2s',
      'request-head-timeout': '1500ms',
    },
  }),
);
afterEach(() => running().backends.http.closeIdle());

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: ${OPEN_HOST}\r\n${more}\r\n`;
const post = (path: string, bytes: number) =>
  `POST ${path} HTTP/1.1\r\nHost: ${OPEN_HOST}\r\nContent-Length: ${bytes}\r\n\r\n`;

function open(to: { address: string; port: number } = running().gateway, world = running().backends.world) {
  return tlsConnect(to, world.trust());
}

/** A TLS client whose TCP connection the test has, to end it as TLS would not. */
async function openOver(): Promise<TlsClient & { readonly tcp: RawClient }> {
  const { gateway, backends } = running();
  const tcp = connect({ host: gateway.address, port: gateway.port, allowHalfOpen: true });
  await once(tcp, 'connect');
  const socket: TLSSocket = connectTls({ socket: tcp, ...backends.world.trust() });
  await once(socket, 'secureConnect');
  return { socket, client: RawClient.over(socket), tcp: RawClient.over(tcp) };
}

const ways: readonly { way: string; leave: (tcp: RawClient) => void }[] = [
  { way: 'by a reset', leave: (tcp) => tcp.reset() },
  { way: 'without TLS’s own end', leave: (tcp) => tcp.end() },
];

test.each(ways)('a client that leaves $way ends its request at the backend', async ({ leave }) => {
  const { gateway, backends } = running();
  backends.http.aborted.clear();
  const { client, socket, tcp } = await openOver();
  await client.write(get('/events'));
  const head = await client.readHead();
  await backends.http.answering('/events');
  leave(tcp);
  await eventually(() => expect(backends.http.aborted).toContain('/events'));
  const record = await gateway.accessLog.record({ trackingId: String(head.one('x-request-id')) });
  expect(record.closeReason).toBe('client-aborted');
  socket.destroy();
  tcp.destroy();
});

test.each(ways)('a client that leaves inside its body $way ends the request at the backend', async ({ leave }) => {
  const { backends } = running();
  backends.http.aborted.clear();
  const { client, socket, tcp } = await openOver();
  await client.write(`${post('/mirror', 50)}hello`);
  await backends.http.answering('/mirror');
  leave(tcp);
  await eventually(() => expect(backends.http.aborted).toContain('/mirror'));
  socket.destroy();
  tcp.destroy();
});

test('a body whose stream was cut is never whole for the backend', async () => {
  const { backends } = running();
  backends.http.aborted.clear();
  const { client, socket, tcp } = await openOver();
  await client.write(`POST /mirror HTTP/1.1\r\nHost: ${OPEN_HOST}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`);
  await backends.http.answering('/mirror');
  tcp.end();
  await eventually(() => expect(backends.http.aborted).toContain('/mirror'));
  socket.destroy();
  tcp.destroy();
});

test('a backend that ends inside its answer: the client sees that it is cut', async () => {
  const { gateway } = running();
  const { client, socket } = await open();
  await client.write(get('/cut'));
  const head = await client.readHead();
  await client.outcome();
  expect(client.buffered.toString()).toBe('half');
  const record = await gateway.accessLog.record({ trackingId: String(head.one('x-request-id')) });
  expect(record).toMatchObject({ closeReason: 'relay-truncated', responseBodyBytes: 4 });
  socket.destroy();
});

test('an answer that has no framing is cut by a reset', async () => {
  const { backends } = running();
  const { client, socket, tcp } = await openOver();
  await client.write(`GET /events HTTP/1.0\r\nHost: ${OPEN_HOST}\r\n\r\n`);
  const head = await client.readHead();
  expect([head.one('transfer-encoding'), head.one('content-length')]).toEqual([undefined, undefined]);
  (await backends.http.answering('/events')).socket?.destroy();
  expect(await tcp.outcome()).toBe('reset');
  expect(socket.readableEnded).toBe(false);
  socket.destroy();
});

test('an answer before the body is whole arrives, and the connection ends behind it', async () => {
  const { client, socket } = await open();
  await client.write(Buffer.concat([Buffer.from(post('/early', 5_000_000)), Buffer.alloc(100_000)]));
  const { head, body } = await readAnswer(client);
  expect([head.status, body.toString()]).toEqual([413, 'too much']);
  await client.outcome();
  socket.destroy();
});

test('a client that does not read stops the backend, and ends when it never does', async () => {
  const { gateway } = running();
  const { client, socket } = await open();
  client.pause();
  await client.write(get('/large?unread'));
  const record = await gateway.accessLog.recordOf('/large?unread');
  expect(record.closeReason).toBe('idle-timeout');
  expect(Number(record.responseBodyBytes)).toBeLessThan(LARGE_BYTES);
  socket.destroy();
});

test('a head that never comes whole on a kept-alive connection gets 408', async () => {
  const { client, socket } = await open();
  await client.write(get('/echo'));
  await readAnswer(client);
  await client.write('GET /late HTTP/1.1\r\nHo');
  const { head, body } = await readAnswer(client);
  expect([head.status, body.toString()]).toEqual([408, expect.stringContaining('(request-timeout)')]);
  expect(await client.outcome()).toBe('fin');
  socket.destroy();
});

/** Connections of every kind of end, some at once. */
async function churn(gateway: Gateway, world: TlsWorld, rounds: number): Promise<void> {
  const one = async (n: number) => {
    const { client, socket } = await open(gateway, world);
    await client.write(get(`/echo?${n}`));
    await readAnswer(client);
    if (n % 8 === 0) await client.write(get('/large'));
    if (n % 4 === 1) await client.write(upgradeHead({ target: '/ws', host: OPEN_HOST }));
    if (n % 4 === 2) client.end();
    if (n % 4 === 1) expect((await client.readHead()).status).toBe(101);
    if (n % 4 === 2) await client.outcome();
    socket.destroy();
  };
  for (let round = 0; round < rounds; round++) await Promise.all(Array.from({ length: 20 }, (_, n) => one(n)));
}

test('descriptors, connections and memory are as before when all have left', async () => {
  const [http, ws, world] = [await HttpBackend.start(), await EchoBackend.start(), new TlsWorld()];
  const body = async (gateway: Gateway) => {
    await churn(gateway, world, 2);
    http.closeIdle();
    await gateway.settled();
    const before = gateway.residentBytes();
    await churn(gateway, world, 6);
    http.closeIdle();
    await gateway.settled();
    const { body: metrics } = await gateway.admin('/metrics');
    expect(metrics).toMatch(/^sluice_connections_active\{[^}]*\} 0$/m);
    expect(metrics).not.toMatch(/^sluice_connections_active\{[^}]*\} [1-9]/m);
    expect(gateway.residentBytes() - before).toBeLessThan(96 * 1024 * 1024 * MEMORY_FACTOR);
  };
  const config = world.manifests({ http: [http], ws: [ws] }, HTTP_AND_WS);
  await withGateway({ config, flags: FLAGS }, body, [http, ws, world]);
});

test('a drain closes idle connections, lets requests end, and ends what is left', async () => {
  const [http, world] = [await HttpBackend.start(), new TlsWorld()];
  const body = async (gateway: Gateway) => {
    const [idle, ending, stuck] = [await open(gateway, world), await open(gateway, world), await open(gateway, world)];
    await idle.client.write(get('/echo'));
    await readAnswer(idle.client);
    await ending.client.write(get('/events'));
    await ending.client.readHead();
    const events = await http.answering('/events');
    await stuck.client.write(get('/stall'));
    await http.answering('/stall');
    gateway.child.kill('SIGTERM');
    expect(await idle.client.outcome()).toBe('fin');
    events.end('data: last\n\n');
    expect((await ending.client.readToEnd()).toString('latin1')).toContain('data: last');
    await stuck.client.outcome();
    expect((await gateway.end()).code).toBe(0);
    const record = gateway.accessLog.records().find(({ requestUri }) => requestUri === '/stall');
    expect(record?.closeReason).toBe('drain-timeout');
    for (const { socket } of [idle, ending, stuck]) socket.destroy();
  };
  await withGateway({ config: world.manifests({ http: [http] }), flags: FLAGS }, body, [http, world]);
});

test.each(['throw', 'exit'])('a worker’s death (%s) ends its connections, and the next one serves', async (fault) => {
  const [http, world] = [await HttpBackend.start(), new TlsWorld()];
  const options = {
    config: world.manifests({ http: [http] }),
    flags: { ...FLAGS, workers: '1' },
    faults: true,
    expectErrors: true,
  };
  const body = async (gateway: Gateway) => {
    const { client, socket } = await open(gateway, world);
    await client.write(get('/events'));
    await client.readHead();
    await gateway.admin(`/fault/${fault}?worker=0`, 'POST');
    await client.outcome();
    socket.destroy();
    await eventually(async () => {
      const after = await open(gateway, world);
      await after.client.write(get('/echo', 'Connection: close\r\n'));
      expect((await readAnswer(after.client)).head.status).toBe(200);
      after.socket.destroy();
    });
    http.closeIdle();
  };
  await withGateway(options, body, [http, world]);
});
