/**
 * Ranges of IP addresses: read strictly, kept as canonical text, and asked whether they include an address.
 *
 * Invariant: IPv4 is one family however it is written (`::ffff:192.0.2.1` is 192.0.2.1), and is in no range of IPv6, so
 * `::/0` is every address of IPv6 and no other. Pure; any thread.
 */
import { isIPv4, isIPv6 } from 'node:net';

/** An address, and how many of its bits count: of 32 for IPv4, of 128 for IPv6. */
interface Range {
  /** 16-bit groups: two of IPv4, eight of IPv6. */
  readonly groups: readonly number[];
  readonly prefix: number;
}

const GROUP_BITS = 16;
const MAPPED_GROUPS = 6;
/** What `rangeBytes` gives for each range. */
export const RANGE_BYTES = 17;

/** The groups of an address; undefined: it is none, or carries a zone. */
function groupsOf(text: string): readonly number[] | undefined {
  if (isIPv4(text)) return ipv4Groups(text);
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const groups = ipv6Groups(text);
  return isMapped(groups) ? groups.slice(MAPPED_GROUPS) : groups;
}

function ipv4Groups(text: string): number[] {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}

function ipv6Groups(text: string): number[] {
  const [before = '', after] = text.split('::');
  const first = groupList(before);
  if (after === undefined) return first;
  const last = groupList(after);
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
}

function groupList(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => (part.includes('.') ? ipv4Groups(part) : [Number.parseInt(part, 16)]));
}

function isMapped(groups: readonly number[]): boolean {
  return groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
}

/** The text of an address by which equal ones are equal: IPv4 dotted, IPv6 as RFC 5952 has it; undefined: it is none. */
export function plainAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const groups = groupsOf(text);
  return groups === undefined ? undefined : addressText(groups);
}

function addressText(groups: readonly number[]): string {
  if (groups.length === 2) return groups.map((group) => `${group >> 8}.${group & 255}`).join('.');
  const text = groups.map((group) => group.toString(16)).join(':');
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/** Bits of the group at this place that count. */
function maskOf(prefix: number, place: number): number {
  const bits = Math.min(GROUP_BITS, Math.max(0, prefix - place * GROUP_BITS));
  return (0xffff << (GROUP_BITS - bits)) & 0xffff;
}

/** What is wrong with the text of a range, and what would be right. */
export interface RangeFault {
  readonly message: string;
  readonly hint: string;
}

const FORM = 'write an address or a range, as in 192.0.2.10, 10.0.0.0/8 or 2001:db8::/32';

/** A range in its canonical text, `ADDRESS/PREFIX`; a single address has all of its bits. */
export function parseRange(text: string): string | RangeFault {
  const [address = '', prefixText, ...rest] = text.split('/');
  const groups = groupsOf(address);
  if (groups === undefined || rest.length > 0) return { message: 'is not an address or a range of them', hint: FORM };
  const bits = groups.length * GROUP_BITS;
  // Written as IPv6, 96 of the bits say that it is IPv4.
  const mapped = groups.length === 2 && !isIPv4(address) ? 128 - bits : 0;
  const prefix = prefixText === undefined ? bits : prefixOf(prefixText, mapped);
  if (prefix === undefined || prefix < 0 || prefix > bits) {
    return {
      message: 'has no good prefix behind its slash',
      hint: `of this address it is ${mapped} to ${bits + mapped}`,
    };
  }
  const base = groups.map((group, place) => group & maskOf(prefix, place));
  const canonical = `${addressText(base)}/${prefix}`;
  if (base.every((group, place) => group === groups[place])) return canonical;
  return {
    message: 'has bits behind its prefix',
    hint: `write ${canonical} for the range, or ${addressText(groups)} for the address`,
  };
}

function prefixOf(text: string, mapped: number): number | undefined {
  return /^(0|[1-9]\d{0,2})$/.test(text) ? Number(text) - mapped : undefined;
}

/** Of canonical text. */
function rangeOf(canonical: string): Range {
  const [address = '', prefix = ''] = canonical.split('/');
  const groups = groupsOf(address);
  if (groups === undefined) throw new RangeError(`${canonical} is not a range of addresses`);
  return { groups, prefix: Number(prefix) };
}

/** Ranges in the form that is compared with; `canonical`: what parseRange gave. */
export class AddressRanges {
  readonly #ranges: readonly Range[];

  constructor(canonical: readonly string[]) {
    this.#ranges = canonical.map(rangeOf);
  }

  /** Whether one of them has this address; text that is none is in no range. */
  includes(address: string): boolean {
    const groups = groupsOf(address);
    return groups !== undefined && this.#ranges.some((range) => isWithin(range, groups));
  }
}

function isWithin(range: Range, groups: readonly number[]): boolean {
  if (range.groups.length !== groups.length) return false;
  for (let place = 0; place * GROUP_BITS < range.prefix; place++) {
    const differing = (range.groups[place] as number) ^ (groups[place] as number);
    if ((differing & maskOf(range.prefix, place)) !== 0) return false;
  }
  return true;
}

/** As the engine has them: RANGE_BYTES each, the address with IPv4 mapped, then the bits that count. */
export function rangeBytes(canonical: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(canonical.length * RANGE_BYTES);
  for (const [index, text] of canonical.entries()) {
    const { groups, prefix } = rangeOf(text);
    const at = index * RANGE_BYTES;
    const start = 16 - groups.length * 2;
    if (start > 0) bytes.fill(0xff, at + 10, at + 12);
    for (const [place, group] of groups.entries()) {
      bytes[at + start + place * 2] = group >> 8;
      bytes[at + start + place * 2 + 1] = group & 255;
    }
    bytes[at + 16] = prefix + start * 8;
  }
  return bytes;
}
