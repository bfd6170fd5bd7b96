import { expect, test } from 'vitest';
import { NO_OWNER, ownerOf } from './owners.js';

test('an owner is FNV-1a over the label of the listener, a space and the name of the route', () => {
  let hash = 0x811c_9dc5;
  for (const byte of Buffer.from('ns/edge/http ns/chat')) hash = Math.imul(hash ^ byte, 0x0100_0193) >>> 0;
  expect(ownerOf({ gateway: 'ns/edge', name: 'http' }, 'ns/chat')).toBe(hash);
});

test('is another one of another route or listener, in 32 bits, and never none', () => {
  const routes = Array.from({ length: 2000 }, (_, index) => `ns/route-${index}`);
  const owners = ['http', 'https'].flatMap((name) =>
    routes.map((route) => ownerOf({ gateway: 'ns/edge', name }, route)),
  );
  expect(new Set(owners).size).toBe(4000);
  expect(Math.max(...owners)).toBeGreaterThan(0xf000_0000);
  expect(owners.every((owner) => Number.isInteger(owner) && owner > NO_OWNER && owner <= 0xffff_ffff)).toBe(true);
});
