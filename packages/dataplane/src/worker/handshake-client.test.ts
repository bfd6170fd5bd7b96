/** Whose request it is: behind trusted proxies the client's that they name, and everything that asks for the client follows. */
import type { BalancingSnapshot } from '@sluice/shared/snapshot/service-policy';
import { expect, test } from 'vitest';
import { createScene, REQUEST } from './handshake-scene.js';

const BY_ADDRESS: BalancingSnapshot = { strategy: 'ring-hash', header: '' };
/** The scene's peer is 192.0.2.1. */
const TRUSTED = ['192.0.2.0/24'];

function sceneOf(trustedProxies: readonly string[]) {
  const scene = createScene(5, 5000, { balancing: BY_ADDRESS });
  scene.reconfigure((config) => ({
    ...config,
    listeners: config.listeners.map((listener) => ({ ...listener, trustedProxies })),
  }));
  return scene;
}

function from(forwardedFor: string, more = ''): string {
  return REQUEST.replace('\r\n\r\n', `\r\nX-Forwarded-For: ${forwardedFor}\r\n${more}\r\n`);
}

test('the record and the head for the backend: the chain grows by the peer, the client is the chain’s', () => {
  const scene = sceneOf(TRUSTED);
  scene.request(from('203.0.113.9, 198.51.100.1:4711', 'X-Forwarded-Proto: https\r\n'));
  expect(scene.calls.map(({ name, text, slot }) => [name, name === 'connect' ? '' : text, slot])[0]).toEqual([
    'clientAddress',
    '198.51.100.1',
    4711,
  ]);
  expect(scene.last()?.text).toContain('x-forwarded-for: 203.0.113.9, 198.51.100.1:4711, 192.0.2.1\r\n');
  expect(scene.last()?.text).toContain('x-forwarded-proto: https\r\n');
});

test.each([
  ['nobody is trusted', []],
  ['others are', ['10.0.0.0/8']],
])('where %s, the peer is the client and its fields are replaced as ever', (_, trusted) => {
  const scene = sceneOf(trusted);
  scene.request(from('203.0.113.9', 'X-Forwarded-Proto: https\r\n'));
  expect(scene.calls.map(({ name }) => name)).toEqual(['connect']);
  expect(scene.last()?.text).toContain('x-forwarded-for: 203.0.113.9, 192.0.2.1\r\nx-forwarded-proto: http\r\n');
});

test('a trusted peer that names nobody is the client itself, and what it does not say is ours', () => {
  const scene = sceneOf(TRUSTED);
  scene.request(from('unknown', 'X-Forwarded-Proto: gopher\r\n'));
  expect(scene.calls.map(({ name }) => name)).toEqual(['connect']);
  expect(scene.last()?.text).toContain('x-forwarded-proto: http\r\n');
});

test('refusals are the client’s too', () => {
  const scene = sceneOf(TRUSTED);
  scene.request(from('198.51.100.1').replace('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Version: 12'));
  expect(scene.calls.map(({ name, text }) => [name, text.slice(0, 12)])).toEqual([
    ['clientAddress', '198.51.100.1'],
    ['respond', 'HTTP/1.1 426'],
  ]);
});

test('the ring is asked with the client’s address', () => {
  const slots = (address: (n: number) => string) =>
    Array.from({ length: 40 }, (_, n) => {
      const one = sceneOf(TRUSTED);
      one.request(from(address(n)));
      return one.last()?.slot;
    });
  expect(new Set(slots(() => '198.51.100.1')).size).toBe(1);
  expect(new Set(slots((n) => `198.51.100.${n}`)).size).toBeGreaterThan(1);
  expect(new Set(slots((n) => `${n}.1.1.1, 198.51.100.1`)).size).toBe(1);
});
