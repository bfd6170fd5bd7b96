/**
 * The few frames that a WebSocket probe needs (RFC 6455, 5.2): writes control frames, reads a server's.
 *
 * Payloads of data frames are passed over, never kept: a backend that greets with a large message costs no memory and is
 * not unhealthy for it. What breaks the framing is named. Pure.
 */

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const CONTROL_BYTES_MAX = 125;
/** Payloads cost next to nothing, each frame does. */
const FRAMES_MAX = 10_000;
const TOO_MANY_FRAMES = `no pong within ${FRAMES_MAX} frames`;
const KNOWN_OPCODES = new Set<number>(Object.values(OPCODE));

/** A control frame of a client. `mask` has 4 bytes, the payload 125 at most. */
export function controlFrame(opcode: number, payload: Buffer, mask: Buffer): Buffer {
  const masked = payload.map((byte, index) => byte ^ (mask[index & 3] ?? 0));
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, masked]);
}

/** The payload of a close frame: its code, no reason. */
export function closePayload(code: number): Buffer {
  return Buffer.from([code >> 8, code & 0xff]);
}

export interface FrameListener {
  /** A whole control frame. Answers false to be told no more. */
  control(opcode: number, payload: Buffer): boolean;
}

/** Reads what a server sends, in pieces of any size. */
export class FrameReader {
  /** Header, and payload of a control frame, as far as they are there: 14 and 125 bytes at most. */
  #held: Buffer = Buffer.alloc(0);
  #skip = 0;
  #frames = 0;

  constructor(readonly listener: FrameListener) {}

  /** What breaks the framing; '' when nothing does. */
  push(chunk: Buffer): string {
    let rest = chunk;
    if (this.#held.length > 0) {
      rest = Buffer.concat([this.#held, chunk]);
      this.#held = Buffer.alloc(0);
    }
    while (rest.length > 0) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, rest.length);
        this.#skip -= passed;
        rest = rest.subarray(passed);
        continue;
      }
      const frame = readHeader(rest);
      if (frame === undefined) break;
      if (typeof frame === 'string') return frame;
      if (frame.opcode < OPCODE.close) {
        this.#frames += 1;
        if (this.#frames > FRAMES_MAX) return TOO_MANY_FRAMES;
        this.#skip = frame.length;
        rest = rest.subarray(frame.headerLength);
        continue;
      }
      const end = frame.headerLength + frame.length;
      if (rest.length < end) break;
      this.#frames += 1;
      if (this.#frames > FRAMES_MAX) return TOO_MANY_FRAMES;
      if (!this.listener.control(frame.opcode, rest.subarray(frame.headerLength, end))) return '';
      rest = rest.subarray(end);
    }
    // Copied: a slice would keep the whole chunk.
    this.#held = Buffer.from(rest);
    return '';
  }
}

interface Header {
  readonly opcode: number;
  readonly headerLength: number;
  readonly length: number;
}

/** The header at the beginning of `bytes`; `undefined` when it is not complete; words when it is wrong. */
function readHeader(bytes: Buffer): Header | string | undefined {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const opcode = first & 0x0f;
  const short = second & 0x7f;
  if ((first & 0x70) !== 0) return 'a frame has reserved bits set';
  if (!KNOWN_OPCODES.has(opcode)) return 'a frame has an unknown opcode';
  if ((second & 0x80) !== 0) return 'a frame of the server is masked';
  if (opcode >= OPCODE.close && ((first & 0x80) === 0 || short > CONTROL_BYTES_MAX)) {
    return 'a control frame is fragmented or longer than 125 bytes';
  }
  const headerLength = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < headerLength) return undefined;
  if (short < 126) return { opcode, headerLength, length: short };
  const length = short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  return length > Number.MAX_SAFE_INTEGER ? 'a frame has an impossible length' : { opcode, headerLength, length };
}
