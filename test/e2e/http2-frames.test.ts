/** HTTP/2 by clients that are not polite: what they say frame by frame, and where it is cut; each has its end and its record. */
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import type { Echoed } from '../support/http-backend.js';
import { frameGateway } from '../support/http2-frame-gateway.js';
import {
  block,
  Code,
  EMPTY_SETTINGS,
  Flag,
  Frame,
  frame,
  type Pairs,
  PREFACE,
  requestFrame,
  requestPairs,
  u32,
  webSocketPairs,
} from '../support/http2-frames.js';

const { running, bare, open, addressOf, serves } = frameGateway();

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
