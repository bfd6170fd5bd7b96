/** RFC 6455 frames as bytes, for tests that choose their own segments (client frames are masked). */

export interface FrameOptions {
  readonly opcode?: number;
  readonly final?: boolean;
  readonly mask?: Buffer;
}

/** A masked frame with a payload below 64 KiB. */
export function clientFrame(payload: string | Buffer, options: FrameOptions = {}): Buffer {
  const { opcode = 1, final = true, mask = Buffer.from([1, 2, 3, 4]) } = options;
  const body = Buffer.from(payload);
  const extended = body.length > 125 ? 2 : 0;
  const start = Buffer.alloc(2 + extended);
  start[0] = (final ? 0x80 : 0) | opcode;
  start[1] = 0x80 | (extended ? 126 : body.length);
  if (extended) {
    start.writeUInt16BE(body.length, 2);
  }
  const masked = Buffer.from(body.map((byte, at) => byte ^ (mask[at % 4] ?? 0)));
  return Buffer.concat([start, mask, masked]);
}

/** An unmasked frame with a payload of up to 125 bytes, as a server sends it. */
export function serverFrame(payload: string, opcode = 1): Buffer {
  const body = Buffer.from(payload);
  return Buffer.concat([Buffer.from([0x80 | opcode, body.length]), body]);
}
