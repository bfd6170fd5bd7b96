import { describe, expect, it } from 'vitest';
import { parseBytes, parseDurationMs, parseHostPort, portMap } from './option-values.js';

describe('parseDurationMs', () => {
  it.each([
    ['10s', 10_000],
    ['500ms', 500],
    ['1h30m', 5_400_000],
    ['2', 2000],
    ['2.5', 2500],
    ['0', 0],
  ])('%s is %d ms', (text, expected) => expect(parseDurationMs(text)).toBe(expected));

  it.each(['', 's', '-1', '1 s', '10d', '1s2', 'off'])('%j is none', (text) =>
    expect(parseDurationMs(text)).toBeUndefined(),
  );
});

describe('parseBytes', () => {
  it('reads numbers and binary units', () => {
    expect(parseBytes('16384')).toBe(16_384);
    expect(parseBytes('16KiB')).toBe(16_384);
    expect(parseBytes('2GiB')).toBe(2 * 1024 ** 3);
    expect(parseBytes('16kb')).toBeUndefined();
  });
});

describe('parseHostPort', () => {
  it('wants brackets around IPv6', () => {
    expect(parseHostPort('[::1]:9900')).toEqual({ address: '::1', port: 9900 });
    expect(parseHostPort('127.0.0.1:0')).toEqual({ address: '127.0.0.1', port: 0 });
    expect(parseHostPort('::1:9900')).toBeUndefined();
    expect(parseHostPort('127.0.0.1:65536')).toBeUndefined();
    expect(parseHostPort('127.0.0.1')).toBeUndefined();
  });
});

describe('portMap', () => {
  it('maps declared ports to bound ones', () => {
    expect(portMap().parse('80=8080, 443=0')).toEqual(
      new Map([
        [80, 8080],
        [443, 0],
      ]),
    );
    expect(portMap().parse('')).toEqual(new Map());
  });

  it.each(['80', '0=80', '80=70000', '80=1,80=2', 'a=b', '80=1,'])('refuses %j', (text) => {
    expect(portMap().safeParse(text).success).toBe(false);
  });
});
