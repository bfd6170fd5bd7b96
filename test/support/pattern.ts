/**
 * A byte stream that can be checked at any point: byte i of every stream is byte i mod 65 521 of one fixed block,
 * so loss, repetition or reordering of any piece shows at once, and nothing large is kept.
 */
import { createHash } from 'node:crypto';

/** A prime, so that no power-of-two buffer divides it. */
const BLOCK_BYTES = 65_521;
const block = Buffer.alloc(BLOCK_BYTES);
for (let at = 0, round = 0; at < BLOCK_BYTES; round += 1) {
  at += createHash('sha256').update(String(round)).digest().copy(block, at);
}
const doubled = Buffer.concat([block, block]);

/** `length` bytes (at most one block) of the pattern from `offset` on. */
export function patternSlice(offset: number, length: number): Buffer {
  const at = offset % BLOCK_BYTES;
  return doubled.subarray(at, at + Math.min(length, BLOCK_BYTES));
}

/** The first `length` bytes of the pattern, copied into one buffer. */
export function pattern(length: number): Buffer {
  const out = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; ) {
    at += patternSlice(at, length - at).copy(out, at);
  }
  return out;
}

/** Checks a received stream against the pattern as it comes. */
export class PatternCheck {
  bytes = 0;

  /** Throws at the first byte that is not the pattern's. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const want = patternSlice(this.bytes, chunk.length - at);
      if (!chunk.subarray(at, at + want.length).equals(want)) {
        throw new Error(`the stream differs from what was sent within ${want.length} bytes of offset ${this.bytes}`);
      }
      at += want.length;
      this.bytes += want.length;
    }
  }
}
