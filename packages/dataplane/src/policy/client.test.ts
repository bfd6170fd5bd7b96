import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressOf, textOf, toldOf } from './client.js';
import { fieldName } from './field-name.js';
import type { HeaderField } from './fields.js';

const TRUSTED = ['10.0.0.0/8', '2001:db8::/32'];
const PEER = '10.0.0.1';

function fieldsOf(...lines: readonly (readonly [string, string])[]): HeaderField[] {
  return lines.map(([name, value]) => {
    const { lower, id } = fieldName(name);
    return { name, lowerName: lower, value, id };
  });
}

function told(...values: string[]) {
  return toldOf(fieldsOf(...values.map((value) => ['X-Forwarded-For', value] as const)), PEER, TRUSTED);
}

test('without trusted proxies, and from others, nothing is believed', () => {
  const fields = fieldsOf(['X-Forwarded-For', '198.51.100.1'], ['X-Forwarded-Proto', 'https']);
  expect(toldOf(fields, PEER, [])).toBeUndefined();
  expect(toldOf(fields, '192.0.2.1', TRUSTED)).toBeUndefined();
  expect(addressOf(undefined, '192.0.2.1')).toBe('192.0.2.1');
  expect(textOf(undefined, '192.0.2.1:80')).toBe('192.0.2.1:80');
});

test.each([
  ['the last that is not trusted', ['203.0.113.9, 198.51.100.1, 10.0.0.2'], '198.51.100.1', 0],
  ['over several lines, in their order', ['203.0.113.9', '198.51.100.1, 10.1.1.1', '10.0.0.2'], '198.51.100.1', 0],
  ['what an untrusted one claims is not looked at', ['nonsense, 198.51.100.1'], '198.51.100.1', 0],
  ['the farthest when all are trusted', ['10.0.0.3, 10.0.0.2'], '10.0.0.3', 0],
  ['garbage stops the walk: the last good one', ['198.51.100.1, unknown, 10.0.0.2'], '10.0.0.2', 0],
  ['garbage at once: nobody', ['198.51.100.1, unknown'], '', 0],
  ['nothing: nobody', [], '', 0],
  ['empty elements say nothing', [' , 198.51.100.1,, ', ''], '198.51.100.1', 0],
  ['a port', ['198.51.100.1:4711'], '198.51.100.1', 4711],
  ['IPv6', ['2001:DB9:0::1'], '2001:db9::1', 0],
  ['brackets', ['[2001:db9::1]'], '2001:db9::1', 0],
  ['brackets and a port', ['[2001:db9::1]:4711, 10.0.0.2:80'], '2001:db9::1', 4711],
  ['a trusted proxy of IPv6', ['198.51.100.1, [2001:db8::7]:1'], '198.51.100.1', 0],
  ['IPv4 as IPv6', ['198.51.100.1, ::ffff:10.0.0.9'], '198.51.100.1', 0],
  ['a port that is none', ['198.51.100.1:65536'], '', 0],
  ['IPv4 in brackets', ['[198.51.100.1]'], '', 0],
  ['a zone', ['fe80::1%eth0'], '', 0],
  ['a name', ['localhost:80'], '', 0],
])('x-forwarded-for: %s', (_, values, address, port) => {
  expect(told(...values)).toEqual({ address, port, scheme: '' });
});

test('more proxies than can be are not looked behind', () => {
  const hops = Array.from({ length: 100 }, (_, n) => `10.0.0.${n}`);
  expect(told(['198.51.100.1', ...hops].join(','))?.address).toBe('10.0.0.36');
});

test.each([
  [['https'], 'https'],
  [['HTTP'], 'http'],
  [['wss'], ''],
  [['https, http'], ''],
  [['https', 'http'], ''],
  [[], ''],
])('x-forwarded-proto %j is %s', (values, scheme) => {
  const fields = fieldsOf(...values.map((value) => ['x-forwarded-proto', value] as const));
  expect(toldOf(fields, PEER, TRUSTED)).toEqual({ address: '', port: 0, scheme });
});

test('the log has a port where one is known', () => {
  expect(textOf(told('198.51.100.1:4711'), 'x')).toBe('198.51.100.1:4711');
  expect(textOf(told('198.51.100.1'), 'x')).toBe('198.51.100.1');
  expect(textOf(told('[2001:db9::1]:1'), 'x')).toBe('[2001:db9::1]:1');
  expect(textOf(told('unknown'), '10.0.0.1:80')).toBe('10.0.0.1:80');
  expect(addressOf(told('unknown'), '10.0.0.1')).toBe('10.0.0.1');
});

const proxy = fc.constantFrom('10.0.0.2', '10.9.9.9:1', '[2001:db8::2]', '2001:db8::3');
const client = fc.constantFrom('198.51.100.1', '203.0.113.2', '2001:db9::1');
const junk = fc.string({ minLength: 1, maxLength: 12 });

test('whatever a client claims, the address is the one that the first trusted proxy saw', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(junk, client, proxy)),
      client,
      fc.array(proxy, { maxLength: 10 }),
      fc.nat(),
      (claims, seen, hops, cut) => {
        const all = [...claims, seen, ...hops];
        const lines = [all.slice(0, cut % all.length), all.slice(cut % all.length)].map((part) => part.join(', '));
        expect(told(...lines)?.address).toBe(seen);
      },
    ),
    { seed: 1 },
  );
});

test('any text at all gives an address or nobody', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(junk, client, proxy, fc.constantFrom(',', ':', '[', ']', ''))), (parts) => {
      const result = told(parts.join(''));
      expect(result?.address).toMatch(/^[0-9a-f.:]*$/);
    }),
    { seed: 1, numRuns: 500 },
  );
});
