/** Plain requests, by real clients: methods, bodies, framing, kept-alive connections, filters, and their records. */
import { afterEach, expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { EchoBackend } from '../support/echo-backend.js';
import { upgradeHead } from '../support/heads.js';
import { type Echoed, echoedField, HttpBackend, LARGE_BYTES } from '../support/http-backend.js';
import { filteredRules } from '../support/manifests.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';
import { runTool } from '../support/tool.js';

const running = sharedGateway(
  async () => ({ http: await HttpBackend.start(), ws: await EchoBackend.start() }),
  ({ http, ws }) => ({
    config: {
      services: { http: [http], ws: [ws] },
      routes: [
        {
          rules: [
            { prefix: '/ws', backends: ['ws'] },
            ...filteredRules('http', { hostname: 'new.test' }),
            { prefix: '/', backends: ['http'] },
          ],
        },
      ],
    },
  }),
);

afterEach(() => running().backends.http.closeIdle());

const url = (path: string) => `http://127.0.0.1:${running().gateway.port}${path}`;
const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: test.local\r\n${fields}\r\n`;

async function echoed(answer: { body: Buffer }): Promise<Echoed> {
  return JSON.parse(answer.body.toString('latin1')) as Echoed;
}

test('requests of one connection, one after the other, each with its record', async () => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  for (const path of ['/echo?n=1', '/echo?n=2', '/echo?n=3']) {
    const head = get(path, 'X-Case: a b\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n');
    await client.write(head);
    const answer = await readAnswer(client);
    const received = await echoed(answer);
    expect(answer.head.status).toBe(200);
    expect(received).toMatchObject({ method: 'GET', url: path, body: '' });
    expect(echoedField(received, 'x-case')).toBe('a b');
    expect(echoedField(received, 'x-hop')).toBeUndefined();
    expect(echoedField(received, 'host')).toBe('test.local');
    expect(echoedField(received, 'x-forwarded-for')).toBe('127.0.0.1');
    expect(echoedField(received, 'x-forwarded-proto')).toBe('http');
    expect(echoedField(received, 'x-request-id')).toBe(answer.head.one('x-request-id'));
    expect(answer.head.one('endpoint-load-metrics')).toBeUndefined();
    expect(answer.head.all('set-cookie')).toEqual(['a=1', 'b=2']);
    expect(answer.head.one('via')).toBeUndefined();
    const record = await gateway.accessLog.record({ trackingId: String(answer.head.one('x-request-id')) });
    expect(record).toMatchObject({
      httpMethod: 'GET',
      requestUri: path,
      httpStatusCode: 200,
      requestHeaderBytes: head.length,
      responseHeaderBytes: answer.head.raw.length,
      requestBodyBytes: 0,
      responseBodyBytes: answer.body.length,
      closeReason: 'relayed',
      backendPort: running().backends.http.port,
      refusal: '-',
    });
  }
  client.destroy();
});

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s with a body of either framing', async (method) => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  await client.write(`${method} /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`);
  expect(await echoed(await readAnswer(client))).toMatchObject({ method, body: 'hello' });
  await client.write(`${method} /echo?coded HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
  await client.write('3\r\nabc\r\n');
  await client.write('2\r\nde\r\n0\r\n\r\n');
  const answer = await readAnswer(client);
  expect(await echoed(answer)).toMatchObject({ method, body: 'abcde' });
  const record = await gateway.accessLog.record({ trackingId: String(answer.head.one('x-request-id')) });
  expect(record).toMatchObject({ requestBodyBytes: 5 });
  client.destroy();
});

test('HEAD, 204 and 304 have no body, and the connection goes on', async () => {
  const client = await RawClient.connect(running().gateway);
  await client.write('HEAD /large HTTP/1.1\r\nHost: a\r\n\r\n');
  const head = await client.readHead();
  expect([head.status, head.one('content-length')]).toEqual([200, String(LARGE_BYTES)]);
  await client.write(get('/empty'));
  expect((await client.readHead()).status).toBe(204);
  await client.write(get('/not-modified'));
  expect((await client.readHead()).status).toBe(304);
  await client.write(get('/echo'));
  expect((await readAnswer(client)).head.status).toBe(200);
  client.destroy();
});

test('pipelined requests are answered in order', async () => {
  const client = await RawClient.connect(running().gateway);
  await client.write(get('/echo?p=1') + get('/echo?p=2') + get('/echo?p=3'));
  for (const n of [1, 2, 3]) {
    expect((await echoed(await readAnswer(client))).url).toBe(`/echo?p=${n}`);
  }
  client.destroy();
});

test('large bodies pass both ways, as they are', async () => {
  const body = Buffer.alloc(6 * 1024 * 1024, 'abcdefghijklmnopqrstuvwxyz');
  const answer = await fetch(url('/mirror'), { method: 'POST', body, headers: { Connection: 'close' } });
  expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
});

test('server-sent events flow at once', async () => {
  const { gateway, backends } = running();
  const client = await RawClient.connect(gateway);
  await client.write(get('/events'));
  expect((await client.readHead()).one('content-type')).toBe('text/event-stream');
  const response = await backends.http.answering('/events');
  response.write('data: 1\n\n');
  expect((await client.read(14)).toString()).toBe('9\r\ndata: 1\n\n\r\n');
  response.end();
  expect((await client.read(5)).toString()).toBe('0\r\n\r\n');
  client.destroy();
});

test('trailers of an answer pass, but none that say something of the whole', async () => {
  const client = await RawClient.connect(running().gateway);
  await client.write(get('/trailers'));
  const { body, trailers } = await readAnswer(client);
  expect(body.toString()).toBe('body');
  expect(trailers).toEqual([['X-Sum', '42']]);
  client.destroy();
});

test('trailers of a request do not pass, nor become anything else', async () => {
  const client = await RawClient.connect(running().gateway);
  const chunked = 'Transfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: X-Sum, Host\r\n\r\n';
  await client.write(`POST /echo HTTP/1.1\r\nHost: a\r\n${chunked}3\r\nabc\r\n0\r\n`);
  await client.write('X-Sum: 42\r\nHost: evil\r\nX-Forwarded-For: 192.0.2.66\r\n\r\n');
  const received = await echoed(await readAnswer(client));
  expect(received.body).toBe('abc');
  expect(received.rawHeaders.join('\n')).not.toMatch(/x-sum|evil|192\.0\.2\.66|trailer/i);
  client.destroy();
});

test('early hints pass', async () => {
  const client = await RawClient.connect(running().gateway);
  await client.write(get('/hints'));
  const hints = await client.readHead();
  expect([hints.status, hints.one('link')]).toEqual([103, '</a.css>; rel=preload']);
  expect((await readAnswer(client)).body.toString()).toBe('hinted');
  client.destroy();
});

test('100-continue is the gateway’s, and only when the body is wanted', async () => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  const head = 'HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n';
  await client.write(`POST /echo ${head}`);
  expect((await client.readHead()).status).toBe(100);
  await client.write('hello');
  const received = await echoed(await readAnswer(client));
  expect([received.body, echoedField(received, 'expect')]).toEqual(['hello', undefined]);
  await client.write(`POST /moved ${head}`);
  expect((await client.readHead()).status).toBe(302);
  client.destroy();
});

test('another expectation is passed over', async () => {
  const { gateway } = running();
  const { client, answer } = await RawClient.request(gateway, get('/echo?expects', 'Expect: 200-ok\r\n'));
  expect(answer.status).toBe(200);
  expect((await gateway.accessLog.recordOf('/echo?expects')).closeReason).toBe('relayed');
  client.destroy();
});

test('filters change requests and answers', async () => {
  const client = await RawClient.connect(running().gateway);
  await client.write(get('/filtered/deep?q=1'));
  const answer = await readAnswer(client);
  const received = await echoed(answer);
  expect(received.url).toBe('/echo/deep?q=1');
  expect([echoedField(received, 'host'), echoedField(received, 'x-in')]).toEqual(['new.test', 'in']);
  expect(answer.head.one('x-out')).toBe('out');
  client.destroy();
});

test('a redirect is answered on a connection’s first request and on a later one', async () => {
  const { gateway } = running();
  const first = await RawClient.request(gateway, get('/moved'));
  expect([first.answer.status, first.answer.one('location')]).toEqual([302, 'http://there.test/moved']);
  await first.client.readToEnd();
  const client = await RawClient.connect(gateway);
  await client.write(get('/echo'));
  await readAnswer(client);
  await client.write(get('/moved?later'));
  const { head } = await readAnswer(client);
  expect([head.status, head.one('location')]).toEqual([302, 'http://there.test/moved?later']);
  expect(await client.outcome()).toBe('fin');
  const record = await gateway.accessLog.recordOf('/moved?later');
  expect(record).toMatchObject({ httpStatusCode: 302, refusal: 'redirect', closeReason: 'refused' });
  client.destroy();
});

test('an upgrade on a kept-alive connection goes back to the engine', async () => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  await client.write(get('/echo'));
  await readAnswer(client);
  await client.write(
    Buffer.concat([Buffer.from(upgradeHead({ target: '/ws?later' }), 'latin1'), Buffer.from('early')]),
  );
  expect((await client.readHead()).status).toBe(101);
  expect((await client.read(5)).toString()).toBe('early');
  await client.write('late');
  expect((await client.read(4)).toString()).toBe('late');
  client.end();
  await client.readToEnd();
  expect(await gateway.accessLog.recordOf('/ws?later')).toMatchObject({ httpStatusCode: 101, requestBodyBytes: 9 });
  client.destroy();
});

test('connections to an endpoint are used again', async () => {
  const { gateway, backends } = running();
  const client = await RawClient.connect(gateway);
  const before = backends.http.connections;
  for (let n = 0; n < 20; n++) {
    await client.write(get('/echo'));
    await readAnswer(client);
  }
  expect(backends.http.connections - before).toBeLessThanOrEqual(1);
  client.destroy();
});

test('HTTP/1.0 is answered and closed, or kept where it asks for it', async () => {
  const { gateway } = running();
  const { client, answer } = await RawClient.request(gateway, 'GET /mirror HTTP/1.0\r\nHost: a\r\n\r\n');
  expect([answer.status, answer.one('transfer-encoding')]).toEqual([200, undefined]);
  expect((await client.readToEnd()).length).toBe(0);
  client.destroy();
});

test('curl gets what it asks for', async () => {
  const { stdout } = await runTool('curl', ['-sS', '--http1.1', '-d', 'a=b', url('/echo?curl')]);
  expect(JSON.parse(stdout)).toMatchObject({ method: 'POST', url: '/echo?curl', body: 'a=b' });
});
