/** HTTP/2 over TLS listeners: ALPN, what a connection may be used for, and what ends it in order. */
import { once } from 'node:events';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import type { ConnectionOptions } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { HttpBackend } from '../support/http-backend.js';
import { Code, Frame, FrameClient, PREFACE, requestFrame, requestPairs } from '../support/http2-frames.js';
import { openWebSocket, readAll } from '../support/http2-websocket.js';
import { PatternCheck, patternSlice } from '../support/pattern.js';
import { applied, replaceConfig } from '../support/reloading.js';
import { sharedGateway, withGateway } from '../support/scenario.js';
import { Authority } from '../support/tls-authority.js';
import { tlsConnect } from '../support/tls-client.js';
import { CLOSED_HOST, OPEN_HOST, TlsWorld } from '../support/tls-world.js';

const MIB = 1024 * 1024;
const running = sharedGateway(
  async () => ({ http: await HttpBackend.start(), world: new TlsWorld() }),
  ({ http, world }) => ({
    config: world.manifests({ http: [http] }),
    flags: { 'port-map': '443=0' },
  }),
);

const sessions: ClientHttp2Session[] = [];

function session(more: ConnectionOptions = {}): ClientHttp2Session {
  const { gateway, backends } = running();
  const client = connect(`https://127.0.0.1:${gateway.port}`, { ...backends.world.trust(), ...more });
  client.on('error', () => {});
  sessions.push(client);
  return client;
}

afterEach(() => {
  for (const client of sessions.splice(0)) client.destroy();
  running().backends.http.server.closeAllConnections();
});

async function ask(
  client: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
): Promise<{ readonly headers: IncomingHttpHeaders & { ':status'?: number }; readonly body: string }> {
  const stream = client.request({ ':authority': OPEN_HOST, ...headers });
  const [answer] = await once(stream, 'response');
  let body = '';
  for await (const chunk of stream) body += String(chunk);
  return { headers: answer, body };
}

test('ALPN chooses it, and the record says so', async () => {
  const client = session();
  const { headers, body } = await ask(client, { ':path': '/echo' });
  expect(client.alpnProtocol).toBe('h2');
  expect(JSON.parse(body)).toMatchObject({ url: '/echo' });
  const record = await running().gateway.accessLog.record({ trackingId: String(headers['x-request-id']) });
  expect(record).toMatchObject({
    httpVersion: 'HTTP/2.0',
    hostName: OPEN_HOST,
    tlsProtocol: 'TLSv1.3',
    listener: 'open',
  });
});

test('large bodies pass both ways over one connection, many at once', async () => {
  const client = session();
  const bodies = Array.from({ length: 4 }, async () => {
    const stream = client.request({ ':authority': OPEN_HOST, ':path': '/mirror', ':method': 'POST' });
    const check = new PatternCheck();
    stream.on('data', (chunk: Buffer) => check.push(chunk));
    for (let at = 0; at < 4 * MIB; ) {
      const piece = Buffer.from(patternSlice(at, 65_521));
      at += piece.length;
      if (!stream.write(piece)) await once(stream, 'drain');
    }
    stream.end();
    await once(stream, 'end');
    return check.bytes >= 4 * MIB;
  });
  expect(await Promise.all(bodies)).toEqual([true, true, true, true]);
});

test('a connection takes requests of its own listener alone', async () => {
  const client = session();
  expect((await ask(client, { ':path': '/echo', ':authority': CLOSED_HOST })).headers[':status']).toBe(421);
  expect((await ask(client, { ':path': '/echo' })).headers[':status']).toBe(200);
});

test('a client with a good certificate, and one with a bad one', async () => {
  const { world } = running().backends;
  const { chain, key } = world.authority.issue('client');
  const good = session({ ...world.trust(CLOSED_HOST), cert: chain, key });
  expect((await ask(good, { ':path': '/echo', ':authority': CLOSED_HOST })).headers[':status']).toBe(200);
  expect((await ask(good, { ':path': '/echo' })).headers[':status']).toBe(421);
  const other = new Authority(world.folder, 'other').issue('client');
  const bad = session({ ...world.trust(CLOSED_HOST), cert: other.chain, key: other.key });
  await once(bad, 'remoteSettings');
  expect((await ask(bad, { ':path': '/bad-request', ':authority': CLOSED_HOST })).headers[':status']).toBe(400);
  const { stream, headers } = await openWebSocket(bad, '/bad-socket', { ':authority': CLOSED_HOST });
  expect(headers[':status']).toBe(400);
  expect(String(await readAll(stream))).toContain('certificate');
  for (const path of ['/bad-request', '/bad-socket']) {
    const record = await running().gateway.accessLog.recordOf(path);
    expect(record).toMatchObject({ httpStatusCode: 400, refusal: 'client-certificate', httpMethod: 'GET' });
  }
});

test('h2 by ALPN and then no preface is refused', async () => {
  const { gateway, backends } = running();
  const { client } = await tlsConnect(gateway, { ...backends.world.trust(), ALPNProtocols: ['h2'] });
  await client.write(`GET /echo HTTP/1.1\r\nHost: ${OPEN_HOST}\r\n\r\n`);
  expect((await readAnswer(client)).head.status).toBe(505);
  await gateway.accessLog.record({ refusal: 'version-not-supported' });
  client.destroy();
});

test.each([[undefined], [['http/1.1']]])('the preface where ALPN chose %s is refused', async (ALPNProtocols) => {
  const { gateway, backends } = running();
  const { client } = await tlsConnect(gateway, {
    ...backends.world.trust(),
    ...(ALPNProtocols === undefined ? {} : { ALPNProtocols }),
  });
  await client.write(PREFACE);
  expect((await readAnswer(client)).head.status).toBe(505);
  client.destroy();
});

test('a configuration without HTTP/2 ends connections in order, and offers it no more', async () => {
  const { gateway, backends } = running();
  const { http, world } = backends;
  const tls = await tlsConnect(gateway, { ...world.trust(), ALPNProtocols: ['h2'] });
  const client = await FrameClient.open(tls.client);
  const pairs = requestPairs('/events').map(
    ([name, value]) => [name, name === ':authority' ? OPEN_HOST : value] as const,
  );
  await client.send(requestFrame(1, pairs));
  const response = await http.answering('/events');
  response.write('a');
  await client.next(({ type }) => type === Frame.data);
  await applied(gateway, () =>
    replaceConfig(gateway, world.manifests({ http: [http] }, undefined, { 'sluice.dev/http2': 'off' })),
  );
  expect(await client.goaway()).toBe(Code.none);
  response.end('b');
  const { body, reset } = await client.ofStream(1);
  expect([body.toString(), reset]).toEqual(['ab', undefined]);
  await client.raw.outcome();
  const after = await tlsConnect(gateway, { ...world.trust(), ALPNProtocols: ['h2', 'http/1.1'] });
  expect(after.socket.alpnProtocol).toBe('http/1.1');
  after.client.destroy();
  await applied(gateway, () => replaceConfig(gateway, world.manifests({ http: [http] })));
});

test('a configuration without WebSockets over HTTP/2 takes no more of them on connections that had been offered them', async () => {
  const { gateway, backends } = running();
  const { http, world } = backends;
  const client = session();
  expect((await ask(client, { ':path': '/echo' })).headers[':status']).toBe(200);
  const goaway = once(client, 'goaway');
  const off = { 'sluice.dev/websocket-over-http2': 'off' };
  await applied(gateway, () => replaceConfig(gateway, world.manifests({ http: [http] }, undefined, off)));
  expect((await goaway)[0]).toBe(Code.none);
  const after = session();
  await once(after, 'remoteSettings');
  expect(after.remoteSettings.enableConnectProtocol).toBe(false);
  await applied(gateway, () => replaceConfig(gateway, world.manifests({ http: [http] })));
});

test('a drain ends connections when their streams have ended', async () => {
  const http = await HttpBackend.start();
  const flags = { workers: '1', 'drain-timeout': '20' };
  const config = { gatewayAnnotations: { 'sluice.dev/h2c': 'on' }, services: { http: [http] } };
  await withGateway(
    { config, flags },
    async (gateway) => {
      const [busy, idle] = [await FrameClient.open(gateway), await FrameClient.open(gateway)];
      await busy.send(requestFrame(1, requestPairs('/events')));
      const response = await http.answering('/events');
      gateway.child.kill('SIGTERM');
      expect([await busy.goaway(), await idle.goaway()]).toEqual([Code.none, Code.none]);
      expect(await idle.raw.outcome()).toBe('fin');
      response.end('the end');
      const { body, reset } = await busy.ofStream(1);
      expect([body.toString(), reset]).toEqual(['the end', undefined]);
      expect(await busy.raw.outcome()).toBe('fin');
      expect((await gateway.end()).code).toBe(0);
    },
    [http],
  );
});
