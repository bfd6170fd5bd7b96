/** Plain requests over HTTP/2 with prior knowledge, by Node's client: heads, bodies, trailers, limits, records. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Exposition } from '../support/exposition.js';
import { echoedField, HttpBackend, LARGE_BYTES } from '../support/http-backend.js';
import { ask, echoed, sessionsOf } from '../support/http2-client.js';
import { Code, Frame, FrameClient, requestFrame, requestPairs } from '../support/http2-frames.js';
import { filteredRules } from '../support/manifests.js';
import { sharedGateway } from '../support/scenario.js';

/** RFC 8441 3. */
const ENABLE_CONNECT_PROTOCOL = 8;
const running = sharedGateway(
  async () => ({ http: await HttpBackend.start() }),
  ({ http }) => ({
    config: {
      gatewayAnnotations: { 'sluice.dev/h2c': 'on', 'sluice.dev/websocket-over-http2': 'off' },
      services: { http: [http] },
      routes: [
        {
          rules: [...filteredRules('http'), { prefix: '/', backends: ['http'] }],
        },
      ],
    },
  }),
);

const session = sessionsOf(running);

test('a request, its answer and its record', async () => {
  const { gateway, backends } = running();
  const answer = await ask(session(), {
    ':path': '/echo?n=1',
    'x-case': 'a b',
    cookie: ['a=1', 'b=2'],
    te: 'trailers',
  });
  const { headers, body } = answer;
  const received = echoed(answer);
  expect(headers).toMatchObject({ ':status': 200, 'set-cookie': ['a=1', 'b=2'] });
  for (const name of ['connection', 'keep-alive', 'transfer-encoding', 'endpoint-load-metrics']) {
    expect(headers[name]).toBeUndefined();
  }
  expect(received).toMatchObject({ method: 'GET', url: '/echo?n=1', body: '' });
  expect(echoedField(received, 'host')).toBe('test.local');
  expect(echoedField(received, 'cookie')).toBe('a=1; b=2');
  expect(echoedField(received, 'te')).toBeUndefined();
  expect(echoedField(received, 'x-forwarded-for')).toBe('127.0.0.1');
  expect(echoedField(received, 'x-forwarded-proto')).toBe('http');
  expect(echoedField(received, 'x-request-id')).toBe(headers['x-request-id']);
  const record = await gateway.accessLog.record({ trackingId: String(headers['x-request-id']) });
  expect(record).toMatchObject({
    httpMethod: 'GET',
    httpVersion: 'HTTP/2.0',
    hostName: 'test.local',
    requestUri: '/echo?n=1',
    httpStatusCode: 200,
    requestBodyBytes: 0,
    responseBodyBytes: body.length,
    closeReason: 'relayed',
    backendPort: backends.http.port,
    refusal: '-',
  });
});

test('many at once on one connection, each its own', async () => {
  const client = session();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) => ask(client, { ':path': `/echo?n=${n}`, ':method': 'POST' }, `body ${n}`)),
  );
  for (const [n, answer] of answers.entries()) {
    expect(echoed(answer)).toMatchObject({ url: `/echo?n=${n}`, body: `body ${n}` });
  }
});

test('fields that a backend says twice pass', async () => {
  const { headers } = await ask(session(), { ':path': '/twice' });
  expect(headers).toMatchObject({ ':status': 200, 'x-a': '1, 2' });
  expect(String(headers.age)).toContain('1');
});

test('connections and streams are counted', async () => {
  const count = async (what: string) =>
    new Exposition((await running().gateway.admin('/metrics')).body).sum(`sluice_http2_${what}_total`);
  const before = [await count('connections'), await count('streams'), await count('streams_left')];
  const client = session();
  await ask(client, { ':path': '/echo' });
  const left = client.request({ ':path': '/stall?left' });
  left.on('error', () => {});
  await running().backends.http.answering('/stall');
  left.close(8);
  await eventually(async () =>
    expect([await count('connections'), await count('streams'), await count('streams_left')]).toEqual(
      before.map((each, index) => each + (index === 1 ? 2 : 1)),
    ),
  );
});

test('filters, redirects and refusals are those of HTTP/1.1', async () => {
  const client = session();
  const filtered = await ask(client, { ':path': '/filtered/x' });
  expect(filtered.headers['x-out']).toBe('out');
  expect(echoed(filtered).url).toBe('/echo/x');
  expect(echoedField(echoed(filtered), 'x-in')).toBe('in');
  const moved = await ask(client, { ':path': '/moved' });
  expect(moved.headers).toMatchObject({ ':status': 302, location: 'http://there.test/moved' });
  const refused = await ask(client, { ':path': '/a/../b' });
  expect(refused.headers[':status']).toBe(400);
  expect(refused.body.toString()).toContain('ambiguous-path');
  // The connection goes on behind all of them.
  expect((await ask(client, { ':path': '/echo' })).headers[':status']).toBe(200);
});

test('HEAD, 204, 205 and 304 have no body, and the connection goes on', async () => {
  const client = session();
  const head = await ask(client, { ':path': '/large', ':method': 'HEAD' });
  expect([head.headers[':status'], head.headers['content-length'], head.body.length]).toEqual([
    200,
    String(LARGE_BYTES),
    0,
  ]);
  expect((await ask(client, { ':path': '/empty' })).headers[':status']).toBe(204);
  expect((await ask(client, { ':path': '/not-modified' })).headers[':status']).toBe(304);
  const reset = await ask(client, { ':path': '/reset-content' });
  expect([reset.headers[':status'], reset.headers['content-length'], reset.code]).toEqual([205, undefined, 0]);
});

test('trailers of an answer pass, but for those that speak of all of it', async () => {
  const { body, trailers } = await ask(session(), { ':path': '/trailers' });
  expect(body.toString()).toBe('body');
  expect(trailers['x-sum']).toBe('42');
  expect(trailers['set-cookie']).toBeUndefined();
});

test('answers without a length are whole: recorded so, and none of them counts against their connection', async () => {
  const client = session();
  const { gateway } = running();
  const count = async () =>
    new Exposition((await gateway.admin('/metrics')).body).sum('sluice_http2_streams_left_total');
  const before = await count();
  for (let n = 0; n < 300; n += 20) {
    const some = await Promise.all(Array.from({ length: 20 }, () => ask(client, { ':path': '/trailers' })));
    for (const { headers, body } of some) {
      expect([headers[':status'], headers['content-length'], body.toString()]).toEqual([200, undefined, 'body']);
      const record = await gateway.accessLog.record({ trackingId: String(headers['x-request-id']) });
      expect(record.closeReason).toBe('relayed');
    }
  }
  expect(client.closed).toBe(false);
  expect(await count()).toBe(before);
});

test('whole answers of every shape, to requests with and without a body, are recorded as whole', async () => {
  const client = session();
  const left: unknown[] = [];
  for (const path of ['/echo', '/mirror', '/empty', '/not-modified', '/twice', '/hints', '/gzip', '/early']) {
    for (const body of [undefined, 'ab']) {
      const method = body === undefined ? 'GET' : 'POST';
      const { headers } = await ask(client, { ':path': path, ':method': method }, body);
      const record = await running().gateway.accessLog.record({ trackingId: String(headers['x-request-id']) });
      if (record.closeReason !== 'relayed') left.push([method, path, record.closeReason]);
    }
  }
  expect(left).toEqual([]);
});

test('trailers of a request end its body', async () => {
  const stream = session().request({ ':path': '/echo', ':method': 'POST' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }));
  stream.end('whole');
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  expect(JSON.parse(text)).toMatchObject({ body: 'whole' });
});

test('100 (Continue) is said when the body is wanted, 103 passes', async () => {
  const client = session();
  const expecting = await ask(client, { ':path': '/echo', ':method': 'POST', expect: '100-continue' }, 'x');
  expect(expecting.interim).toEqual([100]);
  expect(echoed(expecting).body).toBe('x');
  const stream = client.request({ ':path': '/echo', ':method': 'POST', expect: '100-continue' });
  await once(stream, 'continue');
  stream.end('y');
  await once(stream.resume(), 'close');
  const hinted = await ask(client, { ':path': '/hints' });
  expect(hinted.interim).toEqual([103]);
  expect(hinted.body.toString()).toBe('hinted');
});

test('methods that are none, and heads that are too large, get their answers', async () => {
  const client = session();
  expect((await ask(client, { ':path': '/', ':method': 'BREW' })).headers[':status']).toBe(501);
  const large = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`x-${n}`, 'y'.repeat(1500)]));
  expect((await ask(client, { ':path': '/', ...large })).headers[':status']).toBe(431);
  const connecting = client.request({ ':method': 'CONNECT', ':authority': 'a.test:443' });
  connecting.on('error', () => {});
  const [headers] = await once(connecting, 'response');
  expect(headers[':status']).toBe(405);
});

test('WebSockets that the Gateway leaves out are not offered, and reset', async () => {
  const client = await FrameClient.open(running().gateway);
  const { payload } = await client.next(({ type, flags }) => type === Frame.settings && flags === 0);
  const offered = Array.from({ length: payload.length / 6 }, (_, n) => payload.readUInt16BE(6 * n));
  expect(offered).not.toContain(ENABLE_CONNECT_PROTOCOL);
  const pairs = [[':protocol', 'websocket'], ...requestPairs('/echo', [], 'CONNECT')] as const;
  await client.send(requestFrame(1, pairs, true));
  expect((await client.ofStream(1)).reset).toBe(Code.protocol);
  client.destroy();
});
