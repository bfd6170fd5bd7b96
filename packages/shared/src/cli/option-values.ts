/**
 * The text forms of option values: what may stand behind a flag or in a SLUICE_… variable, and what it means.
 *
 * Each is a zod type from string to value whose error message completes the sentence "--flag must be …". Pure.
 */
import { z } from 'zod';

/** A TCP address to bind: no brackets around IPv6. Port 0: any free port. */
export interface HostPort {
  readonly address: string;
  readonly port: number;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `10s`, `1h30m`, `500ms`, `2.5` (seconds); undefined when the text is no duration. */
export function parseDurationMs(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  if (!/^(\d+(ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, digits = '', unit = ''] of text.matchAll(/(\d+)(ms|s|m|h)/g)) {
    total += Number(digits) * (UNIT_MS[unit] ?? 0);
  }
  return total;
}

/** Bytes of `16384`, `16KiB`, `64MiB`, `1GiB`; undefined when the text is no size. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+)(KiB|MiB|GiB)?$/.exec(text);
  if (match === null) return undefined;
  const exponent = ['KiB', 'MiB', 'GiB'].indexOf(match[2] ?? '') + 1;
  return Number(match[1]) * 1024 ** exponent;
}

/** `[::1]:9900`, `127.0.0.1:9900`; undefined when the text is not an address and a port. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (match === null || Number(match[3]) > 65_535) return undefined;
  return { address: match[1] ?? match[2] ?? '', port: Number(match[3]) };
}

function within(value: number | undefined, min: number, max: number): value is number {
  return value !== undefined && value >= min && value <= max;
}

/** An integer from `min` to `max`. */
export function integer(min: number, max: number) {
  return z.string().transform((text, context) => {
    const value = /^\d+$/.test(text) ? Number(text) : undefined;
    if (within(value, min, max)) return value;
    context.addIssue({ code: 'custom', message: `an integer from ${min} to ${max}` });
    return z.NEVER;
  });
}

/** A duration from `minMs` to `maxMs`, in milliseconds; with `off`, also 0 or the word `off`, which is 0. */
export function duration(minMs: number, maxMs: number, off: 'off' | 'always' = 'always') {
  return z.string().transform((text, context) => {
    const value = off === 'off' && text === 'off' ? 0 : parseDurationMs(text);
    if (off === 'off' && value === 0) return 0;
    if (within(value, minMs, maxMs)) return value;
    const also = off === 'off' ? ', or off' : '';
    context.addIssue({
      code: 'custom',
      message: `a duration (10s, 500ms, 1h30m; a bare number is seconds) from ${minMs} ms to ${maxMs} ms${also}`,
    });
    return z.NEVER;
  });
}

/** A size from `min` to `max` bytes. */
export function bytes(min: number, max: number) {
  return z.string().transform((text, context) => {
    const value = parseBytes(text);
    if (within(value, min, max)) return value;
    context.addIssue({ code: 'custom', message: `a size (16384, 16KiB, 64MiB) from ${min} to ${max} bytes` });
    return z.NEVER;
  });
}

/** `ADDR:PORT`, or `off`, which is null. */
export function hostPortOrOff() {
  return z.string().transform((text, context): HostPort | null => {
    if (text === 'off') return null;
    const value = parseHostPort(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: 'ADDR:PORT ([::1]:9900, 127.0.0.1:9900) or off' });
    return z.NEVER;
  });
}

/** `80=8080,443=8443`: what is bound for a port that a listener declares. Port 0 on the right: any free port. */
export function portMap() {
  return z.string().transform((text, context): ReadonlyMap<number, number> => {
    const map = new Map<number, number>();
    for (const pair of text === '' ? [] : text.split(',')) {
      const match = /^(\d{1,5})=(\d{1,5})$/.exec(pair.trim());
      const [declared, bound] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 65_536)];
      if (declared < 1 || declared > 65_535 || bound > 65_535 || map.has(declared)) {
        context.addIssue({ code: 'custom', message: 'DECLARED=BOUND pairs (80=8080,443=8443), each port once' });
        return z.NEVER;
      }
      map.set(declared, bound);
    }
    return map;
  });
}

/** A switch: present, or `1`, `true`, `0`, `false` in the environment. */
export function flag() {
  return z
    .enum(['1', 'true', '0', 'false'], { error: 'true or false' })
    .transform((text) => text === '1' || text === 'true');
}
