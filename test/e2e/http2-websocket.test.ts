/** WebSockets over HTTP/2 (RFC 8441) to backends that speak HTTP/1.1. */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { EchoBackend, refusingAddress } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { Gateway } from '../support/gateway.js';
import { http2Session, openWebSocket, readAll, readBytes } from '../support/http2-websocket.js';
import { manifests } from '../support/manifests.js';
import { pattern } from '../support/pattern.js';

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants;

let backend: EchoBackend;
let gateway: Gateway;
let session: ClientHttp2Session;

beforeAll(async () => {
  backend = await EchoBackend.start();
  gateway = await Gateway.start({
    config: manifests({
      gatewayAnnotations: { 'sluice.dev/h2c': 'on' },
      services: { echo: [backend], gone: [await refusingAddress()] },
      routes: [
        {
          rules: [
            { prefix: '/gone', backends: ['gone'] },
            { prefix: '/unresolved', backends: ['nobody'] },
            { prefix: '/', backends: ['echo'] },
          ],
        },
        {
          name: 'short',
          annotations: { 'sluice.dev/idle-timeout': '300ms' },
          rules: [{ prefix: '/short', backends: ['echo'] }],
        },
      ],
    }),
  });
});
beforeEach(async () => {
  session = await http2Session(gateway);
});
afterEach(() => session.destroy());
afterAll(async () => {
  await gateway?.stop();
  await backend.close();
});

async function recordOf(path: string) {
  return await gateway.accessLog.recordOf(path);
}

/** The code of the reset that ends a stream. */
async function resetOf(stream: ClientHttp2Stream): Promise<number> {
  if (!stream.closed) await once(stream, 'close');
  return stream.rstCode;
}

test('settings say that it may be asked for', () => {
  expect(session.remoteSettings.enableConnectProtocol).toBe(true);
});

test('the 101 of the backend is 200, and bytes pass both ways', async () => {
  const { stream, headers } = await openWebSocket(session, '/echo?a=b', {
    'sec-websocket-protocol': 'chat, other',
    origin: 'http://gateway.test',
    cookie: 'a=1; b=2',
    'x-forwarded-for': '192.0.2.1',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  });
  expect(headers[':status']).toBe(200);
  expect(headers['sec-websocket-protocol']).toBe('chat');
  expect(headers['x-backend']).toBe('says so');
  for (const name of ['sec-websocket-accept', 'upgrade', 'connection']) expect(headers).not.toHaveProperty(name);
  const request = await backend.request('/echo?a=b');
  expect(request.startLine).toBe('GET /echo?a=b HTTP/1.1');
  expect(request.one('host')).toBe('gateway.test');
  expect(request.one('upgrade')).toBe('websocket');
  expect(request.one('sec-websocket-key')).toMatch(/^(?!dGhlIHNhbXBsZSB)[A-Za-z0-9+/]{22}==$/);
  expect(request.one('sec-websocket-protocol')).toBe('chat, other');
  expect(request.one('x-forwarded-for')).toBe('192.0.2.1, 127.0.0.1');
  expect(request.one('cookie')).toBe('a=1; b=2');
  expect(request.one('x-request-id')).toBe(headers['x-request-id']);
  stream.write('ping');
  expect(String(await readBytes(stream, 4))).toBe('ping');
  stream.end('last');
  expect(String(await readAll(stream))).toBe('last');
  expect(await resetOf(stream)).toBe(NGHTTP2_NO_ERROR);
  const record = await recordOf('/echo?a=b');
  expect(record).toMatchObject({ httpStatusCode: 101, httpVersion: 'HTTP/2.0', httpMethod: 'GET' });
  expect(record).toMatchObject({ requestBodyBytes: 8, responseBodyBytes: 8, trackingId: headers['x-request-id'] });
  expect(record.closeReason).toBe('client-closed');
});

test('what the backend sends with its 101 is the first of the stream', async () => {
  const { stream } = await openWebSocket(session, '/early?fault=early-data&size=5000');
  expect((await readBytes(stream, 5000)).equals(pattern(5000))).toBe(true);
  stream.close(NGHTTP2_CANCEL);
});

test.each([
  ['backend-reset', 'reset-after-101'],
  ['backend-reset', 'reset-on-data'],
])('%s is a reset of the stream: %s', async (reason, fault) => {
  const { stream } = await openWebSocket(session, `/reset?fault=${fault}&n=${reason}`);
  stream.write('x');
  stream.resume();
  expect(await resetOf(stream)).toBe(NGHTTP2_CANCEL);
  expect((await recordOf(`fault=${fault}`)).closeReason).toBe(reason);
});

test('the end of what the backend says ends that direction alone', async () => {
  const { stream } = await openWebSocket(session, '/half?fault=half-close&size=70000');
  expect((await readBytes(stream, 70_000)).equals(pattern(70_000))).toBe(true);
  const ended = once(stream, 'end');
  stream.resume();
  await ended;
  stream.write('still');
  stream.end('there');
  const exchange = await backend.exchange('/half');
  await once(exchange.socket, 'close');
  expect((await recordOf('/half')).closeReason).toBe('backend-closed');
});

test('a reset of the client ends the connection to the backend', async () => {
  const { stream } = await openWebSocket(session, '/client-reset');
  stream.write('x');
  await readBytes(stream, 1);
  stream.close(NGHTTP2_CANCEL);
  const { socket } = await backend.exchange('/client-reset');
  if (!socket.destroyed) await once(socket, 'close');
  expect((await recordOf('/client-reset')).closeReason).toBe('client-reset');
});

test('the end of the connection ends its WebSockets', async () => {
  const other = await http2Session(gateway);
  await openWebSocket(other, '/connection-gone');
  other.destroy();
  const { socket } = await backend.exchange('/connection-gone');
  if (!socket.destroyed) await once(socket, 'close');
  expect((await recordOf('/connection-gone')).closeReason).toBe('client-reset');
});

test('a limit ends the stream', async () => {
  const { stream } = await openWebSocket(session, '/short/idle');
  stream.resume();
  await once(stream, 'end');
  expect(await resetOf(stream)).toBe(NGHTTP2_NO_ERROR);
  expect((await recordOf('/short/idle')).closeReason).toBe('idle-timeout');
});

test.each([
  ['/gone', {}, 502],
  ['/unresolved', {}, 500],
  ['/version', { 'sec-websocket-version': '12' }, 426],
  ['/dots/../x', {}, 400],
  ['/length', { 'content-length': '3' }, 400],
  ['/wrong?fault=wrong-accept', {}, 502],
])('%s %j is answered with %i', async (path, headers, status) => {
  const { stream, headers: answer } = await openWebSocket(session, path, headers);
  expect(answer[':status']).toBe(status);
  expect((await readAll(stream)).length).toBeGreaterThan(0);
  expect((await recordOf(path)).httpStatusCode).toBe(status);
});

test('another protocol is not known', async () => {
  const { stream, headers } = await openWebSocket(session, '/soap', { ':protocol': 'soap' });
  expect(headers[':status']).toBe(501);
  expect(String(await readAll(stream))).toContain('(unknown-protocol)');
  expect(await recordOf('/soap')).toMatchObject({ httpStatusCode: 501, hostName: 'gateway.test' });
});

test.each(['length', 'chunked', 'eof'])('an answer that is no 101 passes whole: %s', async (framing) => {
  const { stream, headers } = await openWebSocket(
    session,
    `/answer-${framing}?fault=answer&status=403&body=${framing}&size=100000&twice`,
  );
  expect(headers[':status']).toBe(403);
  expect(headers).not.toHaveProperty('transfer-encoding');
  expect(headers.age).toBe('1, 2'); // Node writes this one once only
  expect((await readAll(stream)).equals(pattern(100_000))).toBe(true);
});

test('an answer that ends with its connection, and whose connection a limit ends, is not whole', async () => {
  const { stream, headers } = await openWebSocket(session, '/short/cut?fault=answer&status=403&body=endless&size=1000');
  expect(headers[':status']).toBe(403);
  await expect(readAll(stream)).rejects.toThrow();
  expect(stream.rstCode).toBe(NGHTTP2_INTERNAL_ERROR);
  expect((await recordOf('/short/cut')).closeReason).toBe('idle-timeout');
});

test('many WebSockets share a connection, and one that is not read holds up no other', async () => {
  const stuck = await openWebSocket(session, '/stuck?fault=flood&size=30000000');
  const before = gateway.residentBytes();
  const opened = await Promise.all(Array.from({ length: 50 }, (_, index) => openWebSocket(session, `/many/${index}`)));
  await Promise.all(
    opened.map(async ({ stream }, index) => {
      const bytes = pattern(20_000 + index);
      stream.write(bytes);
      expect((await readBytes(stream, bytes.length)).equals(bytes)).toBe(true);
      stream.end();
      await readAll(stream);
    }),
  );
  expect(gateway.residentBytes() - before).toBeLessThan(25_000_000);
  expect((await readAll(stuck.stream)).length).toBe(30_000_000);
});

test('megabytes pass both ways at once', async () => {
  const { stream } = await openWebSocket(session, '/large');
  const bytes = pattern(8_000_000);
  const echoed = readAll(stream);
  stream.end(bytes);
  expect((await echoed).equals(bytes)).toBe(true);
});

test('nothing is left', async () => {
  session.destroy();
  await eventually(() => expect(backend.open).toBe(0));
  await gateway.settled();
});
