import { expect, test } from 'vitest';
import { TicketKeys } from './ticket-keys.js';

test('a new key seals, and the one before still opens', () => {
  const given: Buffer[] = [];
  const keys = new TicketKeys({ tlsTicketKeys: (bytes) => given.push(Buffer.from(bytes)) });
  keys.rotate();
  keys.rotate();
  keys.close();
  const [first, second, third] = given as [Buffer, Buffer, Buffer];
  expect(given.map(({ length }) => length)).toEqual([80, 160, 160]);
  expect(second.subarray(80)).toEqual(first);
  expect(third.subarray(80)).toEqual(second.subarray(0, 80));
  expect(second.subarray(0, 80)).not.toEqual(first);
});
