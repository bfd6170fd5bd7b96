/**
 * Where the body of an answer ends, byte by byte, and what is left of it without its framing.
 *
 * Invariant: `done` only when the framing says so, or, where the end of the connection is the end of the body, at that end;
 * a body that is over takes nothing more. The chunks are the engine's, which has followed them before: what is malformed
 * here is an error, never a guess. Pure; runs in the workers.
 */
import { RelayMode } from '../engine/binding.js';
import type { Framing } from './framing.js';

const LF = 0x0a;
const CR = 0x0d;
/** Of a chunk's size with its extensions, or of a trailer field. */
const LINE_BYTES_MAX = 16_384;

type Part = 'size' | 'data' | 'data-end' | 'trailer' | 'over';

export class AnswerBody {
  readonly #mode: RelayMode;
  #part: Part = 'size';
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;
  #line = '';

  constructor({ mode, length }: Pick<Framing, 'mode' | 'length'>) {
    this.#mode = mode;
    this.#left = length;
    if (mode === RelayMode.length) this.#part = length === 0 ? 'over' : 'data';
  }

  /** Whole, as far as the framing says it. */
  get done(): boolean {
    return this.#part === 'over';
  }

  /** The end of the connection: whether the body is whole. */
  get doneAtEof(): boolean {
    return this.done || this.#mode === RelayMode.untilEof;
  }

  /** What of these bytes is body, in order. Throws RangeError on malformed chunks. */
  push(bytes: Buffer): Buffer[] {
    if (this.#mode === RelayMode.untilEof) return [bytes];
    const body: Buffer[] = [];
    for (let at = 0; at < bytes.length && this.#part !== 'over'; ) {
      at = this.#part === 'data' ? this.#data(bytes, at, body) : this.#control(bytes, at);
    }
    return body;
  }

  #data(bytes: Buffer, at: number, body: Buffer[]): number {
    const end = Math.min(bytes.length, at + this.#left);
    body.push(bytes.subarray(at, end));
    this.#left -= end - at;
    if (this.#left === 0) this.#part = this.#mode === RelayMode.length ? 'over' : 'data-end';
    return end;
  }

  #control(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(LF, at);
    this.#line += bytes.toString('latin1', at, end < 0 ? bytes.length : end);
    if (this.#line.length > LINE_BYTES_MAX) throw new RangeError('a line of a chunked body is too long');
    if (end < 0) return bytes.length;
    const line = this.#line.charCodeAt(this.#line.length - 1) === CR ? this.#line.slice(0, -1) : this.#line;
    this.#line = '';
    this.#onLine(line);
    return end + 1;
  }

  #onLine(line: string): void {
    if (this.#part === 'trailer') {
      if (line === '') this.#part = 'over';
    } else if (this.#part === 'data-end') {
      if (line !== '') throw new RangeError('a chunk is longer than its size');
      this.#part = 'size';
    } else {
      this.#left = chunkSize(line);
      this.#part = this.#left === 0 ? 'trailer' : 'data';
    }
  }
}

function chunkSize(line: string): number {
  const digits = /^[0-9a-fA-F]{1,12}(?=$|[;\t ])/.exec(line)?.[0];
  if (digits === undefined) throw new RangeError('a chunk has no size');
  return Number.parseInt(digits, 16);
}
