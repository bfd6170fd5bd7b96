import { BlockList, isIPv4 } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AddressRanges, parseRange, plainAddress, RANGE_BYTES, rangeBytes } from './address-ranges.js';

test.each([
  ['192.0.2.10', '192.0.2.10/32'],
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['::/0', '::/0'],
  ['2001:DB8:0::/32', '2001:db8::/32'],
  ['2001:db8::1', '2001:db8::1/128'],
  ['2001:db8:8000::/33', '2001:db8:8000::/33'],
  ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
  ['::ffff:192.0.2.1', '192.0.2.1/32'],
  ['64:ff9b::192.0.2.0/120', '64:ff9b::c000:200/120'],
])('%s is the range %s', (text, canonical) => {
  expect(parseRange(text)).toBe(canonical);
});

test.each([
  ['', 'is not an address or a range of them'],
  ['localhost', 'is not an address or a range of them'],
  ['10.0.0', 'is not an address or a range of them'],
  ['010.0.0.1', 'is not an address or a range of them'],
  ['fe80::1%eth0', 'is not an address or a range of them'],
  ['[::1]', 'is not an address or a range of them'],
  ['10.0.0.0/8/8', 'is not an address or a range of them'],
  ['10.0.0.0/', 'has no good prefix behind its slash'],
  ['10.0.0.0/33', 'has no good prefix behind its slash'],
  ['10.0.0.0/08', 'has no good prefix behind its slash'],
  ['10.0.0.0/-1', 'has no good prefix behind its slash'],
  ['10.0.0.0/255.0.0.0', 'has no good prefix behind its slash'],
  ['2001:db8::/129', 'has no good prefix behind its slash'],
  ['::ffff:10.0.0.0/8', 'has no good prefix behind its slash'],
  ['10.1.2.3/8', 'has bits behind its prefix'],
  ['2001:db8::1/32', 'has bits behind its prefix'],
])('%s is refused: it %s', (text, message) => {
  expect(parseRange(text)).toMatchObject({ message });
});

test('what would be right is said', () => {
  expect(parseRange('10.1.2.3/8')).toMatchObject({
    hint: 'write 10.0.0.0/8 for the range, or 10.1.2.3 for the address',
  });
  expect(parseRange('10.0.0.0/33')).toMatchObject({ hint: 'of this address it is 0 to 32' });
  expect(parseRange('::ffff:10.0.0.0/8')).toMatchObject({ hint: 'of this address it is 96 to 128' });
});

test('IPv4 is in no range of IPv6, however it is written', () => {
  const ranges = new AddressRanges(['::/0']);
  expect(['2001:db8::1', '::1', '::'].every((address) => ranges.includes(address))).toBe(true);
  expect(['192.0.2.1', '::ffff:192.0.2.1', '::ffff:c000:201'].some((address) => ranges.includes(address))).toBe(false);
  expect(new AddressRanges(['0.0.0.0/0']).includes('::ffff:c000:201')).toBe(true);
  expect(new AddressRanges(['0.0.0.0/0']).includes('::1')).toBe(false);
});

test('text that is no address is in no range', () => {
  const ranges = new AddressRanges(['0.0.0.0/0', '::/0']);
  expect(['', 'unknown', '[::1]', '1.2.3.4:80', 'fe80::1%1'].some((text) => ranges.includes(text))).toBe(false);
});

test.each([
  ['::FFFF:192.0.2.1', '192.0.2.1'],
  ['2001:0db8:0:0::1', '2001:db8::1'],
  ['1::8:7:6:5:4:3', '1:0:8:7:6:5:4:3'],
  ['::', '::'],
  ['1::', '1::'],
  ['nobody', undefined],
])('the plain form of %s is %s', (text, plain) => {
  expect(plainAddress(text)).toBe(plain);
});

test('as bytes an address of IPv4 is mapped', () => {
  const bytes = rangeBytes(['10.1.0.0/16', '2001:db8::/33']);
  expect(bytes).toHaveLength(2 * RANGE_BYTES);
  expect([...bytes.subarray(0, RANGE_BYTES)]).toEqual([...Array(10).fill(0), 255, 255, 10, 1, 0, 0, 112]);
  expect([...bytes.subarray(RANGE_BYTES)]).toEqual([0x20, 1, 0x0d, 0xb8, ...Array(12).fill(0), 33]);
});

const ipv4 = fc.array(fc.constantFrom(0, 1, 10, 127, 128, 192, 255), { minLength: 4, maxLength: 4 });
const ipv6 = fc.array(fc.constantFrom(0, 1, 0xdb8, 0x2001, 0x8000, 0xffff), { minLength: 8, maxLength: 8 });
const address = fc.oneof(
  ipv4.map((bytes) => bytes.join('.')),
  ipv6.map((groups) => groups.map((group) => group.toString(16)).join(':')),
);

test('ranges include what those of Node include', () => {
  fc.assert(
    fc.property(address, fc.nat(128), address, (base, bits, asked) => {
      const hinted = parseRange(`${base}/${isIPv4(plainAddress(base) ?? '') ? bits % 33 : bits}`);
      const canonical = typeof hinted === 'string' ? hinted : /write (\S+) for/.exec(hinted.hint)?.[1];
      // The base of a mapped address is written with 96 bits more: refused below these.
      fc.pre(canonical !== undefined);
      const [network = '', prefix] = (canonical ?? '').split('/');
      const family = isIPv4(network) ? 'ipv4' : 'ipv6';
      const plain = plainAddress(asked) ?? '';
      const list = new BlockList();
      list.addSubnet(network, Number(prefix), family);
      const expected = isIPv4(plain) === isIPv4(network) && list.check(plain, family);
      expect(new AddressRanges([canonical ?? '']).includes(asked)).toBe(expected);
      expect(parseRange(canonical ?? '')).toBe(canonical);
    }),
    { seed: 1, numRuns: 2000 },
  );
});
