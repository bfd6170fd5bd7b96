/**
 * Records: texts by kind and index, most of them JSON, each of which is decoded alone, when it is asked for.
 *
 * Invariant: what a reader keeps of them is bounded by their number. Written in the compiler's thread, read in any.
 */
import { type Sections, SNAPSHOT_BYTES_MAX } from './sections.js';

export const RECORD_KINDS = [
  'about',
  'listeners',
  'routes',
  'rules',
  'services',
  'serviceNames',
  'conditions',
  'patterns',
] as const;

export type RecordKind = (typeof RECORD_KINDS)[number];

type RecordSections = Pick<Sections, 'recordKinds' | 'recordStarts' | 'recordBytes'>;

export class RecordWriter {
  readonly #texts = new Map<RecordKind, string[]>(RECORD_KINDS.map((kind) => [kind, []]));
  readonly #shared = new Map<string, number>();

  /** Index of the record among those of its kind. */
  add(kind: RecordKind, text: string): number {
    return (this.#texts.get(kind) as string[]).push(text) - 1;
  }

  addJson(kind: RecordKind, value: unknown): number {
    return this.add(kind, JSON.stringify(value));
  }

  /** The same index for the same text: for kinds of which one record serves many. */
  share(kind: 'conditions' | 'patterns', text: string): number {
    const key = `${kind} ${text}`;
    let index = this.#shared.get(key);
    if (index === undefined) {
      index = this.add(kind, text);
      this.#shared.set(key, index);
    }
    return index;
  }

  /** Throws RangeError when there are more bytes than a snapshot can have. */
  finish(): RecordSections {
    const texts = RECORD_KINDS.flatMap((kind) => this.#texts.get(kind) as string[]);
    const recordKinds = new Int32Array(RECORD_KINDS.length + 1);
    for (const [index, kind] of RECORD_KINDS.entries()) {
      recordKinds[index + 1] = (recordKinds[index] as number) + (this.#texts.get(kind) as string[]).length;
    }
    const recordStarts = new Int32Array(texts.length + 1);
    let bytes = 0;
    for (const [index, text] of texts.entries()) {
      bytes += Buffer.byteLength(text);
      if (bytes > SNAPSHOT_BYTES_MAX) {
        throw new RangeError(`the snapshot of the configuration is larger than ${SNAPSHOT_BYTES_MAX} bytes`);
      }
      recordStarts[index + 1] = bytes;
    }
    const recordBytes = Buffer.allocUnsafeSlow(bytes);
    for (const [index, text] of texts.entries()) recordBytes.write(text, recordStarts[index] as number);
    return { recordKinds, recordStarts, recordBytes };
  }
}

/** Records of one kind, each decoded when it is first asked for, and kept. */
export class RecordList<T> {
  readonly length: number;
  readonly #bytes: Buffer;
  /** Start of each record, and the end of the last. */
  readonly #starts: Int32Array;
  readonly #decode: (text: string) => T;
  #decoded: (T | undefined)[] | undefined;

  /** Costs the same however many records there are; `decode` never gives undefined. */
  constructor(
    { recordKinds, recordStarts, recordBytes }: RecordSections,
    kind: RecordKind,
    decode: (text: string) => T,
  ) {
    const index = RECORD_KINDS.indexOf(kind);
    const [first, end] = [recordKinds[index] as number, recordKinds[index + 1] as number];
    this.length = end - first;
    this.#starts = recordStarts.subarray(first, end + 1);
    this.#bytes = Buffer.from(recordBytes.buffer, recordBytes.byteOffset, recordBytes.byteLength);
    this.#decode = decode;
  }

  /** undefined for an index that there is not. */
  at(index: number): T | undefined {
    const start = this.#starts[index];
    const end = this.#starts[index + 1];
    if (start === undefined || end === undefined) return undefined;
    this.#decoded ??= new Array(this.length);
    this.#decoded[index] ??= this.#decode(this.#bytes.toString('utf8', start, end));
    return this.#decoded[index];
  }

  all(): readonly T[] {
    return Array.from({ length: this.length }, (_, index) => this.at(index) as T);
  }
}
