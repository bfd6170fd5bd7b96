/** HTTP/2 by clients that mean harm: floods, faults, churn by a seed; each ends, and the next client is served. */
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Exposition } from '../support/exposition.js';
import { frameGateway } from '../support/http2-frame-gateway.js';
import {
  block,
  Code,
  EMPTY_SETTINGS,
  Flag,
  Frame,
  type FrameClient,
  frame,
  requestFrame,
  requestPairs,
  u32,
} from '../support/http2-frames.js';
import { Random, seedOfRun } from '../support/random.js';

const { running, open, addressOf, serves } = frameGateway();

async function ended(guard: string): Promise<number> {
  const page = new Exposition((await running().gateway.admin('/metrics')).body);
  return page.sum('sluice_http2_connections_ended_total', { guard });
}

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
