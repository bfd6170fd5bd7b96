import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closePayload, controlFrame, FrameReader, OPCODE } from './websocket-frames.js';

type Seen = [opcode: number, payload: string][];

function read(chunks: readonly Buffer[], until?: number): { seen: Seen; fault: string } {
  const seen: Seen = [];
  const reader = new FrameReader({
    control: (opcode, payload) => {
      seen.push([opcode, payload.toString('hex')]);
      return opcode !== until;
    },
  });
  for (const chunk of chunks) {
    const fault = reader.push(chunk);
    if (fault !== '') return { seen, fault };
  }
  return { seen, fault: '' };
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('a control frame of ours', () => {
  test('is masked', () => {
    const frame = controlFrame(OPCODE.ping, Buffer.from('Hello'), hex('37fa213d'));
    expect(frame.toString('hex')).toBe('898537fa213d7f9f4d5158');
  });

  test('a close carries its code', () => {
    expect(controlFrame(OPCODE.close, closePayload(1000), hex('00000000')).toString('hex')).toBe('88820000000003e8');
  });
});

describe('frames of the server', () => {
  test('control frames are told, data frames passed over', () => {
    const text = hex('8105 48656c6c6f');
    const long = Buffer.concat([hex('827e 0100'), Buffer.alloc(256, 0x8a)]);
    const longer = Buffer.concat([hex('827f 0000000000010000'), Buffer.alloc(65_536, 0x88)]);
    const stream = Buffer.concat([text, hex('8a02 0102'), long, hex('8900'), longer, hex('8802 03e8')]);
    const want = {
      seen: [
        [OPCODE.pong, '0102'],
        [OPCODE.ping, ''],
        [OPCODE.close, '03e8'],
      ],
      fault: '',
    };
    expect(read([stream])).toEqual(want);
    expect(read([...stream].map((byte) => Buffer.from([byte])))).toEqual(want);
  });

  test('a control frame may come between fragments', () => {
    expect(read([hex('0101 61 8a01 07 8001 62')])).toEqual({ seen: [[OPCODE.pong, '07']], fault: '' });
  });

  test('nothing is told after the listener has had enough', () => {
    expect(read([hex('8a00 8800 8900')], OPCODE.close).seen).toEqual([
      [OPCODE.pong, ''],
      [OPCODE.close, ''],
    ]);
  });

  test.each([
    ['c100', 'a frame has reserved bits set'],
    ['8300', 'a frame has an unknown opcode'],
    ['8180', 'a frame of the server is masked'],
    ['0900', 'a control frame is fragmented or longer than 125 bytes'],
    ['897e0080', 'a control frame is fragmented or longer than 125 bytes'],
    ['827fffffffffffffffff', 'a frame has an impossible length'],
  ])('%s is refused: %s', (bytes, fault) => {
    expect(read([hex(bytes)])).toEqual({ seen: [], fault });
  });

  test('are too many at some point, data and control alike', () => {
    const half = (frame: string) => Buffer.concat(Array.from({ length: 5_000 }, () => hex(frame)));
    expect(read([half('8100'), half('8900')]).fault).toBe('');
    expect(read([half('8100'), half('8900'), hex('8100')]).fault).toBe('no pong within 10000 frames');
    expect(read([half('8100'), half('8900'), hex('8900')]).fault).toBe('no pong within 10000 frames');
  });

  test('are told the same however they are cut', () => {
    const frame = fc.oneof(
      fc
        .tuple(fc.constantFrom(9, 10), fc.uint8Array({ maxLength: 125 }))
        .map(([opcode, payload]) => Buffer.from([0x80 | opcode, payload.length, ...payload])),
      fc.uint8Array({ maxLength: 125 }).map((payload) => Buffer.from([0x82, payload.length, ...payload])),
    );
    const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 20 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), cuts, (frames, at) => {
        const stream = Buffer.concat(frames);
        const edges = [0, ...at.filter((edge) => edge < stream.length).sort((a, b) => a - b), stream.length];
        const pieces = edges.slice(1).map((edge, index) => stream.subarray(edges[index], edge));
        expect(read(pieces)).toEqual(read([stream]));
      }),
      { seed: 20_262, numRuns: 500 },
    );
  });
});
