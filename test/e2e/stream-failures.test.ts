/** Plain requests that go wrong: backends that reset, stall or stop, clients that leave, and limits of every kind. */
import { afterEach, expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { EchoBackend, refusingAddress } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { upgradeHead } from '../support/heads.js';
import { HttpBackend } from '../support/http-backend.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway, withGateway } from '../support/scenario.js';

const running = sharedGateway(
  async () => {
    const [http, ws] = await Promise.all([HttpBackend.start(), EchoBackend.start()]);
    const dead = await refusingAddress();
    return { http, ws, dead: { ...dead, close: () => undefined } };
  },
  ({ http, ws, dead }) => ({
    config: {
      services: { http: [http], ws: [ws], dead: [dead], half: [dead, http] },
      routes: [
        {
          rules: [
            { prefix: '/ws', backends: ['ws'] },
            { prefix: '/dead', backends: ['dead'] },
            { prefix: '/half', backends: ['half'] },
            { exact: '/stall', backends: ['http'], timeouts: { backendRequest: '300ms' } },
            { exact: '/bounded', backends: ['http'], timeouts: { request: '300ms' } },
            { prefix: '/', backends: ['http'] },
          ],
        },
      ],
    },
    flags: { 'stream-idle-timeout': '700ms', 'request-head-timeout': '1500ms', 'eject-after': '0' },
  }),
);
afterEach(() => running().backends.http.closeIdle());

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

async function refused(path: string, status: number, code: string, why?: string): Promise<void> {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  await client.write(get('/echo'));
  await readAnswer(client);
  await client.write(get(path));
  const { head, body } = await readAnswer(client);
  expect([head.status, body.toString()]).toEqual([status, expect.stringContaining(`(${code})`)]);
  expect(head.one('x-request-id')).not.toBe('');
  expect(await client.outcome()).toBe('fin');
  const record = await gateway.accessLog.record({ trackingId: String(head.one('x-request-id')) });
  expect(record).toMatchObject({ httpStatusCode: status, refusal: code, closeReason: 'refused' });
  if (why !== undefined) expect(record.refusalReason).toBe(why);
  client.destroy();
}

test('a backend that refuses', () => refused('/dead', 502, 'connect-failed', 'ECONNREFUSED'));
test('a backend that resets before its answer', () => refused('/reset', 502, 'upstream-reset'));
test('a backend that does not answer', () => refused('/stall', 504, 'answer-timeout'));
test('a backend that upgrades what asked for no upgrade', () => refused('/ws', 502, 'upstream-bad-upgrade'));

test('another endpoint is tried after a refused connect, the body untouched', async () => {
  const client = await RawClient.connect(running().gateway);
  for (let n = 0; n < 4; n++) {
    await client.write('POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
    const answer = await readAnswer(client);
    expect([answer.head.status, JSON.parse(answer.body.toString()).body]).toEqual([200, 'hello']);
  }
  client.destroy();
});

test('a request that is not safe is not sent twice', async () => {
  const { gateway, backends } = running();
  const before = backends.http.requests;
  const client = await RawClient.connect(gateway);
  await client.write('POST /reset HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
  expect((await readAnswer(client)).head.status).toBe(502);
  expect(backends.http.requests - before).toBe(1);
  client.destroy();
});

test('a backend that ends inside its answer: the client sees that it is cut', async () => {
  const { gateway } = running();
  const { client, answer } = await RawClient.request(gateway, get('/cut'));
  expect(answer.status).toBe(200);
  await client.outcome();
  expect(client.buffered.toString()).toBe('half');
  const record = await gateway.accessLog.record({ trackingId: String(answer.one('x-request-id')) });
  expect(record).toMatchObject({ closeReason: 'relay-truncated', responseBodyBytes: 4 });
  client.destroy();
});

test('an answer to HTTP/1.0 that is cut ends by a reset: it has no other framing than the end', async () => {
  const { gateway, backends } = running();
  const { client, answer } = await RawClient.request(gateway, 'GET /events HTTP/1.0\r\nHost: a\r\n\r\n');
  expect(answer.status).toBe(200);
  (await backends.http.answering('/events')).socket?.destroy();
  expect(await client.outcome()).toBe('reset');
  client.destroy();
});

test('a client that leaves ends its request at the backend', async () => {
  const { gateway, backends } = running();
  backends.http.aborted.clear();
  const before = backends.http.connections;
  const { client, answer } = await RawClient.request(gateway, get('/events'));
  await backends.http.answering('/events');
  client.reset();
  await eventually(() => expect(backends.http.aborted).toContain('/events'));
  const record = await gateway.accessLog.record({ trackingId: String(answer.one('x-request-id')) });
  expect(record.closeReason).toBe('client-aborted');
  await gateway.settled();
  expect(backends.http.connections - before).toBe(1);
});

test('a client that leaves inside its body ends the request at the backend', async () => {
  const { gateway, backends } = running();
  backends.http.aborted.clear();
  const client = await RawClient.connect(gateway);
  await client.write('POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhello');
  await backends.http.answering('/mirror');
  client.reset();
  await eventually(() => expect(backends.http.aborted).toContain('/mirror'));
});

test('a stream without a byte for too long ends', async () => {
  const { gateway } = running();
  const { client, answer } = await RawClient.request(gateway, get('/events'));
  await client.outcome();
  const record = await gateway.accessLog.record({ trackingId: String(answer.one('x-request-id')) });
  expect(record.closeReason).toBe('idle-timeout');
  client.destroy();
});

test('a body that stops coming ends the request', async () => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  await client.write('POST /echo?slow HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhello');
  await client.outcome();
  expect((await gateway.accessLog.recordOf('/echo?slow')).closeReason).toBe('idle-timeout');
  client.destroy();
});

test('a client that does not read stops the backend, and ends when it never does', async () => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  client.pause();
  await client.write(get('/large?unread'));
  const record = await gateway.accessLog.recordOf('/large?unread');
  expect(record.closeReason).toBe('idle-timeout');
  expect(Number(record.responseBodyBytes)).toBeLessThan(8 * 1024 * 1024);
  client.destroy();
});

test('an answer that comes before the body is whole ends the connection behind it', async () => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  await client.write('POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\nhello');
  const { head, body } = await readAnswer(client);
  expect([head.status, body.toString()]).toEqual([413, 'too much']);
  await client.outcome();
  client.destroy();
});

/** Sends a body without an end until the connection is over; what came meanwhile. */
async function flooding(head: string): Promise<{ client: RawClient; sent: () => number }> {
  const client = await RawClient.connect(running().gateway);
  await client.write(get('/echo'));
  await readAnswer(client);
  client.pause();
  await client.write(head);
  let sent = 0;
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const send = (): void => {
    sent += chunk.length;
    client.socket.write(chunk, (error) => {
      if (!error && !client.socket.destroyed) send();
    });
  };
  send();
  return { client, sent: () => sent };
}

test.each([
  ['an early one', '/early', 413],
  ['one of ours', '/dead', 502],
])('the answer to a body that nobody reads to its end is not lost by a reset: %s', async (_, path, status) => {
  const length = 1024 * 1024 * 1024;
  const { client, sent } = await flooding(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
  await eventually(() => expect(client.socket.readableLength > 0 || client.socket.destroyed).toBe(true));
  client.resume();
  const { head } = await readAnswer(client);
  expect(head.status).toBe(status);
  expect(await client.outcome()).toBe('fin');
  await eventually(() => expect(client.socket.destroyed).toBe(true));
  expect(sent()).toBeLessThan(64 * 1024 * 1024);
});

test('a head that never comes whole on a kept-alive connection gets 408', async () => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  await client.write(get('/echo'));
  await readAnswer(client);
  await client.write('GET /late HTTP/1.1\r\nHo');
  const { head, body } = await readAnswer(client);
  expect([head.status, body.toString()]).toEqual([408, expect.stringContaining('(request-timeout)')]);
  expect(await client.outcome()).toBe('fin');
  client.destroy();
});

test('a head that is too large gets 431, first or later', async () => {
  const { gateway } = running();
  const large = `GET /x HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`;
  const first = await RawClient.request(gateway, large);
  expect(first.answer.status).toBe(431);
  first.client.destroy();
  const client = await RawClient.connect(gateway);
  await client.write(get('/echo'));
  await readAnswer(client);
  await client.write(large);
  expect((await client.readHead()).status).toBe(431);
  client.destroy();
});

test('too many fields get 431 on a kept-alive connection', async () => {
  const client = await RawClient.connect(running().gateway);
  await client.write(get('/echo'));
  await readAnswer(client);
  const fields = Array.from({ length: 120 }, (_, n) => `X-${n}: 1\r\n`).join('');
  await client.write(`GET /x HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
  expect((await client.readHead()).status).toBe(431);
  client.destroy();
});

test('an idle connection ends, and connections are bounded', async () => {
  const http = await HttpBackend.start();
  const flags = { 'http-idle-timeout': '300ms', 'stream-connections-max': '1', workers: '1' };
  const body = async (gateway: { address: string; port: number }) => {
    const client = await RawClient.connect(gateway);
    await client.write(get('/events'));
    await client.readHead();
    const second = await RawClient.request(gateway, get('/echo'));
    expect(second.answer.status).toBe(503);
    second.client.destroy();
    const ws = await RawClient.request(gateway, upgradeHead({ target: '/none' }));
    expect(ws.answer.status).toBe(200);
    ws.client.destroy();
    (await http.answering('/events')).end();
    expect(await client.outcome()).toBe('fin');
    client.destroy();
    http.closeIdle();
  };
  await withGateway({ config: { services: { http: [http] } }, flags }, body, [http]);
});

test('a drain closes idle connections, lets requests end, and ends what is left', async () => {
  const http = await HttpBackend.start();
  const body = async (gateway: import('../support/gateway.js').Gateway) => {
    const idle = await RawClient.connect(gateway);
    await idle.write(get('/echo'));
    await readAnswer(idle);
    const [ending, stuck] = [await RawClient.connect(gateway), await RawClient.connect(gateway)];
    await ending.write(get('/events'));
    await ending.readHead();
    const events = await http.answering('/events');
    await stuck.write(get('/stall'));
    await http.answering('/stall');
    gateway.child.kill('SIGTERM');
    expect(await idle.outcome()).toBe('fin');
    events.end('data: last\n\n');
    expect((await ending.readToEnd()).toString('latin1')).toContain('data: last');
    await stuck.outcome();
    expect((await gateway.end()).code).toBe(0);
    const record = gateway.accessLog.records().find(({ requestUri }) => requestUri === '/stall');
    expect(record?.closeReason).toBe('drain-timeout');
    for (const client of [idle, ending, stuck]) client.destroy();
  };
  await withGateway({ config: { services: { http: [http] } } }, body, [http]);
});
