/**
 * The flat buffer itself: a header that says where each section lies, then the sections, every one an array of numbers.
 *
 * Invariant: a buffer is checked when it is laid out and when it is opened, and a section is read through a view of its
 * own, so that no index, however wrong, reads what is outside of it. All positions are byte offsets below 2^31. Any thread.
 */

/** Sections in the order in which they lie; those of 32-bit integers first, so that all are aligned. */
export const SECTIONS = [
  'recordKinds',
  'recordStarts',
  'keySlots',
  'keyRows',
  'listeners',
  'hosts',
  'lists',
  'matches',
  'ruleRoutes',
  'groupSlots',
  'keyText',
  'recordBytes',
] as const;

export type SectionName = (typeof SECTIONS)[number];

export interface Sections extends Readonly<Record<Exclude<SectionName, 'keyText' | 'recordBytes'>, Int32Array>> {
  /** UTF-16 code units, as strings of a request are compared with. */
  readonly keyText: Uint16Array;
  /** UTF-8. */
  readonly recordBytes: Uint8Array;
}

/** What a header begins with: tells a snapshot of this layout from any other buffer. */
const MAGIC = 0x534e_4132;

/** The largest buffer whose offsets fit. */
export const SNAPSHOT_BYTES_MAX = 2 ** 31 - 1;

/** Magic, size of the whole, then start and end of each section; int32. */
const HEADER_BYTES = 4 * (2 + 2 * SECTIONS.length);

/** One buffer of all sections. Throws RangeError when it would be larger than `bytesMax`. */
export function layOut(sections: Sections, bytesMax = SNAPSHOT_BYTES_MAX): SharedArrayBuffer {
  const bytes = SECTIONS.reduce((sum, name) => sum + sections[name].byteLength, HEADER_BYTES);
  if (bytes > bytesMax) {
    const limit = `the snapshot of the configuration would have ${bytes} bytes, and at most ${bytesMax} are possible`;
    throw new RangeError(`${limit}: it needs fewer routes, hostnames or listeners`);
  }
  const buffer = new SharedArrayBuffer(bytes);
  const header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  const target = new Uint8Array(buffer);
  header[0] = MAGIC;
  header[1] = bytes;
  let at = HEADER_BYTES;
  for (const [index, name] of SECTIONS.entries()) {
    const section = sections[name];
    target.set(new Uint8Array(section.buffer, section.byteOffset, section.byteLength), at);
    header[2 + 2 * index] = at;
    at += section.byteLength;
    header[3 + 2 * index] = at;
  }
  return buffer;
}

/** Views of the sections; nothing is copied. Throws TypeError when the buffer is no snapshot. */
export function openSections(buffer: SharedArrayBuffer): Sections {
  if (buffer.byteLength < HEADER_BYTES) throw notASnapshot();
  const header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  if (header[0] !== MAGIC || header[1] !== buffer.byteLength) throw notASnapshot();
  const placed = (name: SectionName): [start: number, bytes: number] => {
    const index = SECTIONS.indexOf(name);
    const [start, end] = [header[2 + 2 * index] as number, header[3 + 2 * index] as number];
    if (start < HEADER_BYTES || end < start || end > buffer.byteLength) throw notASnapshot();
    return [start, end - start];
  };
  const integers = (name: SectionName): Int32Array => {
    const [start, bytes] = placed(name);
    return new Int32Array(buffer, start, bytes / 4);
  };
  const [textStart, textBytes] = placed('keyText');
  return {
    recordKinds: integers('recordKinds'),
    recordStarts: integers('recordStarts'),
    keySlots: integers('keySlots'),
    keyRows: integers('keyRows'),
    listeners: integers('listeners'),
    hosts: integers('hosts'),
    lists: integers('lists'),
    matches: integers('matches'),
    ruleRoutes: integers('ruleRoutes'),
    groupSlots: integers('groupSlots'),
    keyText: new Uint16Array(buffer, textStart, textBytes / 2),
    recordBytes: new Uint8Array(buffer, ...placed('recordBytes')),
  };
}

function notASnapshot(): TypeError {
  return new TypeError('the buffer holds no snapshot of this version');
}
