/** Plain requests over TLS listeners, by Node's https client and by raw ones: what holds over plain TCP holds here. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { EchoBackend } from '../support/echo-backend.js';
import { upgradeHead } from '../support/heads.js';
import { type Echoed, HttpBackend, LARGE_BYTES } from '../support/http-backend.js';
import { PatternCheck, patternSlice } from '../support/pattern.js';
import { sharedGateway } from '../support/scenario.js';
import { type TlsClient, tlsConnect } from '../support/tls-client.js';
import { CLOSED_HOST, HTTP_AND_WS, OPEN_HOST, TlsWorld } from '../support/tls-world.js';

const MIB = 1024 * 1024;
const running = sharedGateway(
  async () => ({ http: await HttpBackend.start(), ws: await EchoBackend.start(), world: new TlsWorld() }),
  ({ http, ws, world }) => ({
    config: world.manifests({ http: [http], ws: [ws] }, HTTP_AND_WS),
    flags: { 'port-map': '443=0' },
  }),
);
afterEach(() => running().backends.http.closeIdle());

function connect(more: ConnectionOptions = {}): Promise<TlsClient> {
  const { gateway, backends } = running();
  return tlsConnect(gateway, { ...backends.world.trust(), ...more });
}

const get = (path: string, host = OPEN_HOST) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const echoed = ({ body }: { body: Buffer }) => JSON.parse(body.toString('latin1')) as Echoed;

async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A readable of so many bytes of the pattern. */
function patternStream(bytes: number): Readable {
  let at = 0;
  return new Readable({
    read() {
      const piece = patternSlice(at, Math.min(bytes - at, 65_521));
      at += piece.length;
      this.push(piece.length === 0 ? null : Buffer.from(piece));
    },
  });
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (maxVersion) => {
  function ask(agent: Agent, path: string, options: RequestOptions = {}) {
    const { gateway, backends } = running();
    const to = { host: gateway.address, port: gateway.port, path, agent, headers: { host: OPEN_HOST } };
    return request({ ...to, ...backends.world.trust(), maxVersion, ...options });
  }

  async function answered(sent: ReturnType<typeof request>): Promise<IncomingMessage> {
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  }

  test('requests of one connection, each with its record', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (const n of [1, 2, 3]) {
      const sent = ask(agent, `/echo?n=${n}`).end();
      const response = await answered(sent);
      const body = await bodyOf(response);
      const received = echoed({ body });
      expect(sent.reusedSocket).toBe(n > 1);
      expect(received.rawHeaders[received.rawHeaders.indexOf('x-forwarded-proto') + 1]).toBe('https');
      const record = await running().gateway.accessLog.record({ trackingId: String(response.headers['x-request-id']) });
      expect(record).toMatchObject({
        requestUri: `/echo?n=${n}`,
        httpStatusCode: 200,
        tlsProtocol: maxVersion,
        tlsCipher: expect.stringMatching(/^TLS_AES|^ECDHE/),
        listener: 'open',
        responseBodyBytes: body.length,
        closeReason: 'relayed',
      });
    }
    agent.destroy();
  });

  test('bodies of either framing, HEAD, and an answer without a body', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const counted = ask(agent, '/echo', { method: 'POST', headers: { host: OPEN_HOST, 'content-length': 5 } });
    expect(echoed({ body: await bodyOf(await answered(counted.end('hello'))) }).body).toBe('hello');
    const coded = ask(agent, '/echo', { method: 'PUT' });
    coded.write('abc');
    expect(echoed({ body: await bodyOf(await answered(coded.end('de'))) })).toMatchObject({
      method: 'PUT',
      body: 'abcde',
    });
    const head = await answered(ask(agent, '/large', { method: 'HEAD' }).end());
    expect(head.headers['content-length']).toBe(String(LARGE_BYTES));
    expect((await bodyOf(head)).length).toBe(0);
    const empty = await answered(ask(agent, '/empty').end());
    expect([empty.statusCode, (await bodyOf(empty)).length]).toEqual([204, 0]);
    agent.destroy();
  });

  test('100-continue', async () => {
    const agent = new Agent();
    const sent = ask(agent, '/echo', { method: 'POST', headers: { host: OPEN_HOST, expect: '100-continue' } });
    sent.flushHeaders();
    await once(sent, 'continue');
    expect(echoed({ body: await bodyOf(await answered(sent.end('hello'))) }).body).toBe('hello');
    agent.destroy();
  });

  test('32 MiB both ways at once, read slowly', async () => {
    const bytes = 32 * MIB;
    const agent = new Agent();
    const sent = ask(agent, '/mirror', { method: 'POST' });
    patternStream(bytes).pipe(sent);
    const response = await answered(sent);
    const check = new PatternCheck();
    let pauses = 0;
    for await (const chunk of response) {
      check.push(chunk as Buffer);
      if (check.bytes > pauses * 4 * MIB) {
        pauses += 1;
        await delay(20); // a reader that is slow: what it does not take stops the sender
      }
    }
    expect(check.bytes).toBe(bytes);
    agent.destroy();
  });

  test('server-sent events flow at once', async () => {
    const { client, socket } = await connect({ maxVersion });
    await client.write(get('/events'));
    expect((await client.readHead()).one('content-type')).toBe('text/event-stream');
    const response = await running().backends.http.answering('/events');
    response.write('data: 1\n\n');
    expect((await client.read(14)).toString()).toBe('9\r\ndata: 1\n\n\r\n');
    response.end();
    expect((await client.read(5)).toString()).toBe('0\r\n\r\n');
    socket.destroy();
  });

  test('pipelined requests are answered in order', async () => {
    const { client, socket } = await connect({ maxVersion });
    await client.write(get('/echo?p=1') + get('/echo?p=2') + get('/echo?p=3'));
    for (const n of [1, 2, 3]) expect(echoed(await readAnswer(client)).url).toBe(`/echo?p=${n}`);
    socket.destroy();
  });

  test('an upgrade on a kept-alive connection goes back to the engine, with what is behind it', async () => {
    const { gateway } = running();
    const { client, socket } = await connect({ maxVersion });
    await client.write(get('/echo'));
    await readAnswer(client);
    const target = `/ws?${maxVersion}`;
    const early = Buffer.alloc(200_000, 'early ');
    const head = Buffer.from(upgradeHead({ target, host: OPEN_HOST }), 'latin1');
    await client.write(Buffer.concat([head, early]));
    expect((await client.readHead()).status).toBe(101);
    expect((await client.read(early.length)).equals(early)).toBe(true);
    await client.write('late');
    expect((await client.read(4)).toString()).toBe('late');
    client.end();
    await client.readToEnd();
    const record = await gateway.accessLog.recordOf(target);
    expect(record).toMatchObject({
      httpStatusCode: 101,
      requestBodyBytes: 200_004,
      tlsProtocol: maxVersion,
      closeReason: 'client-closed',
    });
    socket.destroy();
  });

  test('an answer that ends the connection arrives whole', async () => {
    const { client, socket } = await connect({ maxVersion });
    await client.write(`GET /large HTTP/1.1\r\nHost: ${OPEN_HOST}\r\nConnection: close\r\n\r\n`);
    const { body } = await readAnswer(client);
    expect(body.length).toBe(LARGE_BYTES);
    expect(await client.outcome()).toBe('fin');
    socket.destroy();
  });
});

test('another host’s requests are misdirected, first and later', async () => {
  const { client, socket } = await connect();
  await client.write(get('/echo'));
  expect((await readAnswer(client)).head.status).toBe(200);
  await client.write(get('/echo?late', CLOSED_HOST));
  const { head } = await readAnswer(client);
  expect([head.status, await client.outcome()]).toEqual([421, 'fin']);
  const record = await running().gateway.accessLog.recordOf('/echo?late');
  expect(record).toMatchObject({ refusal: 'misdirected', tlsProtocol: 'TLSv1.3' });
  socket.destroy();
});

test('clients are verified, and each request of one that is not good is refused', async () => {
  const { world } = running().backends;
  const { chain, key } = world.authority.issue('client');
  const good = await connect({ ...world.trust(CLOSED_HOST), cert: chain, key });
  await good.client.write(get('/echo', CLOSED_HOST));
  expect((await readAnswer(good.client)).head.status).toBe(200);
  good.socket.destroy();
  const late = world.authority.issue('late', { days: -1 });
  const bad = await connect({ ...world.trust(CLOSED_HOST), cert: late.chain, key: late.key });
  await bad.client.write(get('/echo?bad', CLOSED_HOST));
  const { head, body } = await readAnswer(bad.client);
  expect([head.status, body.toString()]).toEqual([400, expect.stringContaining('expired')]);
  bad.socket.destroy();
});
