import { expect, it } from 'vitest';
import { layOut, openSections, SECTIONS, type Sections, SNAPSHOT_BYTES_MAX } from './sections.js';

const HEADER_BYTES = 4 * (2 + 2 * SECTIONS.length);

const PARTS: Sections = {
  recordKinds: Int32Array.of(1),
  recordStarts: Int32Array.of(2, -3),
  keySlots: Int32Array.of(4),
  keyRows: Int32Array.of(),
  listeners: Int32Array.of(5, 6),
  hosts: Int32Array.of(7),
  lists: Int32Array.of(8),
  matches: Int32Array.of(9),
  ruleRoutes: Int32Array.of(10),
  groupSlots: Int32Array.of(11),
  keyText: Uint16Array.of(0xffff, 1, 2),
  recordBytes: Uint8Array.of(255, 0, 1),
};

it('what is laid out is read again, of odd lengths too', () => {
  const sections = openSections(layOut(PARTS));
  for (const name of SECTIONS) expect([name, [...sections[name]]]).toEqual([name, [...PARTS[name]]]);
});

it('a section that is a part of a larger buffer is laid out alone', () => {
  const part = Uint8Array.of(1, 2, 3, 4).subarray(1, 3);
  expect([...openSections(layOut({ ...PARTS, recordBytes: part })).recordBytes]).toEqual([2, 3]);
});

it('nothing outside of a section is read through it', () => {
  const { hosts } = openSections(layOut(PARTS));
  expect([hosts[-1], hosts[1], hosts[1e9]]).toEqual([undefined, undefined, undefined]);
});

it('what would be too large is refused, with its size', () => {
  const bytes = layOut(PARTS).byteLength;
  expect(layOut(PARTS, bytes).byteLength).toBe(bytes);
  expect(() => layOut(PARTS, bytes - 1)).toThrow(new RegExp(`would have ${bytes} bytes, and at most ${bytes - 1} are`));
  expect(SNAPSHOT_BYTES_MAX).toBe(0x7fff_ffff);
});

it.each([
  ['is too short', (): SharedArrayBuffer => new SharedArrayBuffer(HEADER_BYTES - 1)],
  ['is empty', (): SharedArrayBuffer => new SharedArrayBuffer(HEADER_BYTES)],
  ['has another size than it says', (): SharedArrayBuffer => changed(1, (size) => size + 1)],
  ['has a section that begins in the header', (): SharedArrayBuffer => changed(2, () => 4)],
  ['has a section that ends before it begins', (): SharedArrayBuffer => changed(5, () => HEADER_BYTES)],
  ['has a section that ends behind the buffer', (): SharedArrayBuffer => changed(7, (end) => end + 4096)],
])('a buffer that %s is no snapshot', (_, made) => {
  expect(() => openSections(made())).toThrow(new TypeError('the buffer holds no snapshot of this version'));
});

function changed(word: number, to: (value: number) => number): SharedArrayBuffer {
  const buffer = layOut(PARTS);
  const header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  header[word] = to(header[word] as number);
  return buffer;
}
