/**
 * What the values of annotations may be: how each is written, and how it is read.
 *
 * An annotation is always a string. A reader gives the value or a Fault, never both, and throws nothing. Any thread.
 */
import { parseRange } from '../address-ranges.js';
import { DURATION_HINT, formatDuration, parseDurationOrSeconds } from '../duration.js';
import { dnsNameFault } from './dns-name.js';
import { originFault } from './origin.js';
import { wrong } from './schema.js';

/** What is wrong with a value, message and hint. */
export class Fault {
  constructor(readonly message: string) {}
}

export interface ValueType<Value> {
  /** How it is written, for people: `duration`, `keep, drain or close`. */
  readonly form: string;
  /** `1ms to 24h`; `''` when the form says it all. */
  readonly range: string;
  read(text: string): Value | Fault;
}

export const DAY_MS = 86_400_000;
const ORIGINS_MAX = 64;
/** As the kernel's PATH_MAX. */
const PATH_LENGTH_MAX = 4095;
/** As many as the engine takes. */
const RANGES_MAX = 256;

/** Milliseconds. With `off`, the word and 0 mean no limit, which is 0. */
export function durationValue(minMs: number, maxMs: number, off = false): ValueType<number> {
  const range = `${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return {
    form: off ? 'duration, or off' : 'duration',
    range,
    read(text) {
      const ms = off && text.trim() === 'off' ? 0 : parseDurationOrSeconds(text.trim());
      if (ms === undefined)
        return new Fault(wrong('is not a duration', off ? `${DURATION_HINT}, or off` : DURATION_HINT));
      if ((off && ms === 0) || (ms >= minMs && ms <= maxMs)) return ms;
      return new Fault(wrong('is out of range', `use ${range}${off ? ', or off' : ''}`));
    },
  };
}

/** A part of a whole: `10%` and `0.1` are both 0.1. */
export const shareValue: ValueType<number> = {
  form: 'percentage (10%) or number (0.1)',
  range: '0 to 1',
  read(text) {
    const [, digits, percent] = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(text.trim()) ?? [];
    if (digits === undefined) return new Fault(wrong('is not a share', 'write it as in 10% or 0.1'));
    const share = percent === '%' ? Number(digits) / 100 : Number(digits);
    return share <= 1 ? share : new Fault(wrong('is out of range', 'use 0% to 100%, or 0 to 1'));
  },
};

/** One of some words. */
export function wordValue<const Word extends string>(...words: readonly Word[]): ValueType<Word> {
  const form = words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return {
    form,
    range: '',
    read: (text) =>
      words.find((word) => word === text.trim()) ??
      new Fault(wrong('is not a value of this annotation', `use ${form}`)),
  };
}

/** Names of hosts to look up; lower case. */
export const dnsNameValue: ValueType<string> = {
  form: 'DNS name',
  range: '',
  read(text) {
    const fault = dnsNameFault(text);
    return fault === undefined ? text.toLowerCase() : new Fault(fault);
  },
};

/** What a ring is asked with: the lower-case name of a header; `''` for the client's address. */
export const hashKeyValue: ValueType<string> = {
  form: 'client-address or header:NAME',
  range: '',
  read(text) {
    if (text === 'client-address') return '';
    const name = /^header:([!#$%&'*+.^_`|~0-9A-Za-z-]{1,256})$/.exec(text)?.[1];
    if (name !== undefined) return name.toLowerCase();
    return new Fault(wrong('is not a hash key', 'use client-address or header:NAME'));
  },
};

/** Path of a file, as it is written. */
export const filePathValue: ValueType<string> = {
  form: 'path of a file',
  range: "absolute, or from the manifest's folder",
  read(text) {
    if (text.trim() === '') return new Fault(wrong('is empty', 'name a file'));
    if (!text.includes('\0') && text.length <= PATH_LENGTH_MAX) return text;
    return new Fault(wrong('is not a path', `use at most ${PATH_LENGTH_MAX} characters, none of them NUL`));
  },
};

/** Origins in lower case, each once; `same` is the origin whose host and port are the request's own. */
export const originsValue: ValueType<readonly string[]> = {
  form: 'comma list of *, same, scheme://host[:port] and scheme://*.host',
  range: `1 to ${ORIGINS_MAX} origins`,
  read(text) {
    const origins = [...new Set(text.split(',').map((part) => part.trim().toLowerCase()))];
    if (origins.length > ORIGINS_MAX) return new Fault(wrong(`has more than ${ORIGINS_MAX} origins`));
    for (const origin of origins) {
      if (origin === 'same') continue;
      const fault = originFault(origin);
      if (fault === undefined) continue;
      const hint = 'use *, same, https://chat.example.com or https://*.example.com, separated by commas';
      return new Fault(wrong(`${JSON.stringify(origin)} is not an origin`, hint));
    }
    if (origins.includes('*') && origins.length > 1)
      return new Fault(wrong('"*" must stand alone', 'remove the other origins, or the "*"'));
    return origins;
  },
};

/** Ranges of addresses in their canonical text, each once, sorted. */
export const rangesValue: ValueType<readonly string[]> = {
  form: 'comma list of addresses and CIDR ranges',
  range: `1 to ${RANGES_MAX}; 0.0.0.0/0, ::/0 is everybody`,
  read(text) {
    const ranges = new Set<string>();
    for (const part of text.split(',').map((each) => each.trim())) {
      const range = parseRange(part);
      if (typeof range !== 'string') return new Fault(wrong(`${JSON.stringify(part)} ${range.message}`, range.hint));
      ranges.add(range);
    }
    if (ranges.size <= RANGES_MAX) return [...ranges].sort();
    return new Fault(wrong(`has more than ${RANGES_MAX} ranges`, 'put ranges together that lie side by side'));
  },
};
