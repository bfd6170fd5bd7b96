/** HTTP/2 by clients that are not polite: what they say frame by frame, floods, silence; each has its end and its record. */
import { afterEach, describe, expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { Exposition } from '../support/exposition.js';
import { type Echoed, HttpBackend } from '../support/http-backend.js';
import {
  block,
  Code,
  Flag,
  Frame,
  FrameClient,
  frame,
  type Pairs,
  PREFACE,
  requestFrame,
  requestPairs,
  u32,
  webSocketPairs,
} from '../support/http2-frames.js';
import { Random, seedOfRun } from '../support/random.js';
import { sharedGateway } from '../support/scenario.js';

const running = sharedGateway(
  async () => ({ http: await HttpBackend.start(), echo: await EchoBackend.start() }),
  ({ http, echo }) => ({
    flags: {
      workers: '1',
      'request-head-timeout': '1s',
      'http-idle-timeout': '2500ms',
      'stream-idle-timeout': '1500ms',
    },
    config: {
      gatewayAnnotations: { 'sluice.dev/h2c': 'on' },
      services: { http: [http], echo: [echo] },
      routes: [
        {
          rules: [
            { prefix: '/unresolved', backends: ['nobody'] },
            { prefix: '/socket', backends: ['echo'] },
            { prefix: '/', backends: ['http'] },
          ],
        },
      ],
    },
  }),
);

const clients: FrameClient[] = [];

function kept(client: FrameClient): FrameClient {
  clients.push(client);
  addresses.set(client, `127.0.0.1:${client.raw.socket.localPort}`);
  return client;
}

const bare = async () => kept(await FrameClient.bare(running().gateway));
const open = async (settings?: Buffer) => kept(await FrameClient.open(running().gateway, settings));

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  running().backends.http.server.closeAllConnections(); // after an abort undici connects anew, unasked
});

/** As records have it; a socket forgets it when it is closed. */
const addresses = new Map<FrameClient, string>();
const addressOf = (client: FrameClient) => addresses.get(client) ?? '';

async function ended(guard: string): Promise<number> {
  const page = new Exposition((await running().gateway.admin('/metrics')).body);
  return page.sum('sluice_http2_connections_ended_total', { guard });
}

/** The connection still serves. */
async function serves(client: FrameClient, stream: number): Promise<void> {
  await client.send(requestFrame(stream, requestPairs('/echo')));
  const { body } = await client.ofStream(stream);
  expect(JSON.parse(body.toString('latin1'))).toMatchObject({ method: 'GET', url: '/echo' });
}

const EMPTY_SETTINGS = frame(Frame.settings, 0, 0);

describe('the beginning', () => {
  test('everything in one segment', async () => {
    const client = await bare();
    await client.send(Buffer.from(PREFACE), EMPTY_SETTINGS, requestFrame(1, requestPairs('/echo?first')));
    const { body } = await client.ofStream(1);
    expect(JSON.parse(body.toString('latin1'))).toMatchObject({ url: '/echo?first' });
  });

  test('cut at every place that could matter', async () => {
    const bytes = Buffer.concat([Buffer.from(PREFACE), EMPTY_SETTINGS, requestFrame(1, requestPairs('/echo'))]);
    for (const at of [1, 17, 18, 19, 23, 24, 28, 33, 40]) {
      const client = await bare();
      await client.send(bytes.subarray(0, at));
      await client.send(bytes.subarray(at));
      expect((await client.ofStream(1)).reset).toBeUndefined();
    }
  });

  test.each([
    ['half a preface', PREFACE.slice(0, 18)],
    ['no settings', PREFACE],
  ])('%s, and then nothing', async (_, text) => {
    const { gateway } = running();
    const client = await bare();
    await client.send(Buffer.from(text));
    expect(await client.goaway()).toBe(4);
    await client.raw.outcome();
    expect(await gateway.accessLog.record({ clientIp: addressOf(client) })).toMatchObject({
      closeReason: 'request-timeout',
      httpVersion: '-',
    });
  });

  test('a preface that is none behind its first half', async () => {
    const client = await bare();
    await client.send(Buffer.from(`${PREFACE.slice(0, 18)}XX\r\n\r\n`), EMPTY_SETTINGS);
    await client.raw.outcome();
  });

  test('a connection without a request is ended in order', async () => {
    const client = await open();
    expect(await client.goaway()).toBe(Code.none);
    expect(await client.raw.outcome()).toBe('fin');
  });
});

describe('heads', () => {
  const bad: readonly (readonly [string, Pairs])[] = [
    ['a field of a connection', requestPairs('/', [['connection', 'close']])],
    ['a coding of a connection', requestPairs('/', [['transfer-encoding', 'chunked']])],
    ['another te than trailers', requestPairs('/', [['te', 'gzip']])],
    ['upper case', requestPairs('/', [['X-Upper', '1']])],
    ['no path', requestPairs('/').filter(([name]) => name !== ':path')],
    ['a method twice', [[':method', 'GET'], ...requestPairs('/')]],
    [
      'a pseudo-field behind others',
      requestPairs('/', [
        ['x', '1'],
        [':path', '/b'],
      ]),
    ],
    ['a pseudo-field of answers', [[':status', '200'], ...requestPairs('/')]],
    ['a length that is none', requestPairs('/', [['content-length', '1, 2']])],
  ];

  test('that are malformed are reset, and only they', async () => {
    const client = await open();
    let stream = 1;
    for (const [what, pairs] of bad) {
      await client.send(requestFrame(stream, pairs));
      expect([what, (await client.ofStream(stream)).reset]).toEqual([what, Code.protocol]);
      stream += 2;
    }
    await serves(client, stream);
    expect(running().backends.http.aborted.size).toBe(0);
  });

  test('that contradict themselves get 400', async () => {
    const client = await open();
    await client.send(requestFrame(1, requestPairs('/echo', [['host', 'other.test']])));
    expect((await client.ofStream(1)).body.toString()).toContain('bad-host');
    await client.send(requestFrame(3, requestPairs('/echo', [['host', 'TEST.local:80']])));
    expect((await client.ofStream(3)).body.toString()).toContain('"url":"/echo"');
  });

  test('with a value that would be two lines bring no second one', async () => {
    const client = await open();
    await client.send(requestFrame(1, requestPairs('/echo', [['x-a', 'b\r\nx-evil: 1']])));
    const { body, reset } = await client.ofStream(1);
    if (reset === undefined) expect((JSON.parse(body.toString()) as Echoed).rawHeaders.join()).not.toContain('evil');
  });

  test('far beyond the limit are reset, and the connection goes on', async () => {
    const client = await open();
    const large = block(
      requestPairs(
        '/',
        Array.from({ length: 8 }, (_, n) => [`x-${n}`, 'y'.repeat(1800)] as const),
      ),
    );
    const more = block(Array.from({ length: 8 }, (_, n) => [`z-${n}`, 'y'.repeat(1800)] as const));
    await client.send(
      frame(Frame.headers, Flag.endStream, 1, large),
      frame(Frame.continuation, 0, 1, more),
      frame(
        Frame.continuation,
        Flag.endHeaders,
        1,
        block(Array.from({ length: 8 }, (_, n) => [`w-${n}`, 'y'.repeat(1800)] as const)),
      ),
    );
    expect((await client.ofStream(1)).reset).toBe(Code.calm);
    await serves(client, 3);
  });

  test.each(['', 'ab'])('a body that comes with its head: %j', async (text) => {
    const client = await open();
    await client.send(
      requestFrame(1, requestPairs('/echo', [], 'POST'), true),
      frame(Frame.data, Flag.endStream, 1, text),
    );
    const { body } = await client.ofStream(1);
    expect(JSON.parse(body.toString('latin1'))).toMatchObject({ method: 'POST', body: text });
  });

  test('a body of another length than was said is reset, and the backend does not take it for whole', async () => {
    const { backends } = running();
    const client = await open();
    await client.send(
      requestFrame(1, requestPairs('/mirror', [['content-length', '3']], 'POST'), true),
      frame(Frame.data, 0, 1, 'ab'),
    );
    await backends.http.answering('/mirror');
    await client.send(frame(Frame.data, Flag.endStream, 1, 'cd'));
    expect((await client.ofStream(1)).reset).toBe(Code.protocol);
    await eventually(() => expect(backends.http.aborted.has('/mirror')).toBe(true));
  });

  test('a body that is left, without a length and without an error, is not whole for the backend', async () => {
    const { backends } = running();
    await serves(await open(), 1);
    const client = await open();
    await client.send(requestFrame(1, requestPairs('/left', [], 'POST'), true), frame(Frame.data, 0, 1, 'ab'));
    await backends.http.answering('/left');
    await client.send(frame(Frame.reset, 0, 1, u32(Code.none)));
    await eventually(() => expect(backends.http.aborted.has('/left')).toBe(true));
    await serves(client, 3);
  });
});

test('a window that stays shut keeps no stream', async () => {
  const client = await open(Buffer.concat([Buffer.of(0, 4), u32(0)]));
  await client.send(
    requestFrame(1, requestPairs('/unresolved')),
    requestFrame(3, webSocketPairs('/unresolved'), true),
    requestFrame(5, webSocketPairs('/socket?fault=flood&size=30000000'), true),
  );
  for (const stream of [1, 3, 5]) expect((await client.ofStream(stream)).reset).toBeDefined();
  const record = await running().gateway.accessLog.recordOf('/socket');
  expect(record).toMatchObject({ httpStatusCode: 101, closeReason: 'idle-timeout' });
});

describe('what no client does', () => {
  const payload = Buffer.alloc(8);
  const GET = block(requestPairs('/stall'));

  /** Opens a stream, and leaves it at once. */
  const left = (count: number): Buffer =>
    Buffer.concat(
      Array.from({ length: count }, (_, n) => [
        frame(Frame.headers, Flag.endHeaders | Flag.endStream, 2 * n + 1, GET),
        frame(Frame.reset, 0, 2 * n + 1, u32(Code.cancel)),
      ]).flat(),
    );
  const many = (count: number, one: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => one));

  const floods: readonly (readonly [string, string, Buffer, number])[] = [
    ['resets', 'resets', left(300), 1],
    ['settings', 'settings', many(50, EMPTY_SETTINGS), 1],
    ['pings', 'pings', many(200, frame(Frame.ping, 0, 0, payload)), 1],
    ['window updates', 'control', many(5000, frame(Frame.window, 0, 0, u32(1))), 400],
    ['priorities', 'control', many(5000, frame(Frame.priority, 0, 1, Buffer.concat([u32(0), Buffer.of(16)]))), 400],
    ['unknown frames', 'control', many(5000, frame(0x55, 0, 0, payload)), 400],
    [
      'CONTINUATION',
      'frames',
      Buffer.concat([frame(Frame.headers, 0, 1, GET), many(50, frame(Frame.continuation, 0, 1, block([['a', 'b']])))]),
      1,
    ],
    [
      'empty DATA',
      'frames',
      Buffer.concat([frame(Frame.headers, Flag.endHeaders, 1, GET), many(2000, frame(Frame.data, 0, 1))]),
      1,
    ],
  ];

  test.each(floods)('a flood: %s', async (_, guard, bytes, times) => {
    const { gateway } = running();
    const before = await ended(guard);
    const client = await open();
    await client.flood(bytes, times);
    const code = await client.goaway();
    // The library has its own word for what it finds; a client that goes on sending may get a reset before it reads.
    if (guard !== 'frames') expect([Code.calm, 'none']).toContain(code);
    await client.raw.outcome();
    const record = await gateway.accessLog.record({
      clientIp: addressOf(client),
      closeReason: 'http2-flood',
    });
    expect(String(record.refusalReason)).not.toBe('-');
    expect(await ended(guard)).toBe(before + 1);
    await serves(await open(), 1);
  });

  const faults: readonly (readonly [string, Buffer])[] = [
    ['a stream of the other side', requestFrame(2, requestPairs('/'))],
    ['a window that does not grow', frame(Frame.window, 0, 0, u32(0))],
    ['a push', frame(Frame.push, Flag.endHeaders, 1, Buffer.concat([u32(2), GET]))],
  ];

  test.each(faults)('a fault: %s', async (_, bytes) => {
    const { gateway } = running();
    const client = await open();
    await client.send(bytes);
    expect(await client.goaway()).not.toBe(Code.none);
    await client.raw.outcome();
    await gateway.accessLog.record({ clientIp: addressOf(client), closeReason: 'http2-protocol' });
  });

  test('more streams at once than were allowed', async () => {
    const client = await open();
    await client.send(...Array.from({ length: 129 }, (_, n) => requestFrame(2 * n + 1, requestPairs('/stall'))));
    const refused = await client.next(({ type }) => type === Frame.goaway || type === Frame.reset);
    expect(refused.type === Frame.reset ? refused.stream : refused.payload.readUInt32BE(4)).not.toBe(Code.none);
    await eventually(() => expect(running().backends.http.open.size).toBeLessThanOrEqual(1));
  });
});

describe('churn by a seed', () => {
  const random = new Random(seedOfRun());
  const noBody = ['/echo', '/large', '/events', '/stall', '/cut', '/reset', '/trailers', '/hints', '/empty', '/a/../b'];

  /** What a client may do with a stream that it has opened. */
  const act = async (client: FrameClient, stream: number): Promise<void> => {
    if (random.next() < 0.5) await client.send(requestFrame(stream, requestPairs(random.pick(noBody))));
    else {
      const path = random.pick(['/mirror', '/echo', '/early', '/stall']);
      await client.send(requestFrame(stream, requestPairs(path, [], 'POST'), true));
      await client.send(frame(Frame.data, 0, stream, Buffer.alloc(random.between(0, 16_384))));
      if (random.next() < 0.5) await client.send(frame(Frame.data, Flag.endStream, stream, 'end'));
    }
    if (random.next() < 0.3) await client.send(frame(Frame.reset, 0, stream, u32(random.pick([0, 8, 11]))));
  };

  const leave = (client: FrameClient): void =>
    random.pick([() => client.destroy(), () => client.raw.reset(), () => client.raw.end()])();

  test('whatever clients do, the backend is let go and the next one is served', async () => {
    const { backends } = running();
    for (let round = 0; round < 8; round++) {
      const crowd = await Promise.all(Array.from({ length: 8 }, () => open()));
      await Promise.all(
        crowd.map(async (client) => {
          for (let stream = 1; stream < 30 && !client.raw.ended; stream += 2) await act(client, stream).catch(() => {});
          leave(client);
        }),
      );
    }
    await eventually(() => expect(backends.http.open.size).toBe(0));
    await serves(await open(), 1);
  });
});
