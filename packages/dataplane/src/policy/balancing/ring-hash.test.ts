import { EndpointStatus } from '@sluice/shared/health/board';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointId, hashText } from './hash.js';
import { HashRing } from './hash-ring.js';
import { RingHash } from './ring-hash.js';
import { createScene, endpointList, seeded } from './testing.js';

const KEYS = Array.from({ length: 4000 }, (_, index) => hashText(`client-${index}`));
const SERVICE = 'default/chat/80';

/** Slots that the keys go to. */
function owners(count: number, change: (scene: ReturnType<typeof createScene>) => void = () => undefined): number[] {
  const scene = createScene(count);
  change(scene);
  const ring = new RingHash(SERVICE);
  return KEYS.map((key) => scene.pick(ring, key));
}

describe('the ring', () => {
  it.each([2, 5, 10, 50])('of %i endpoints: one taken away moves its own keys alone, and spreads them', (count) => {
    const before = owners(count);
    const after = owners(count, (scene) => {
      scene.endpoints = scene.endpoints.filter(({ slot }) => slot !== 1);
    });
    before.forEach((slot, key) => {
      if (slot === 1) expect(after[key]).not.toBe(1);
      else expect(after[key]).toBe(slot);
    });
    if (count >= 5) expect(new Set(after.filter((_, key) => before[key] === 1)).size).toBeGreaterThan(2);
  });

  it('takes about 1 of n + 1 keys for one that is added, all to it', () => {
    for (const count of [1, 4, 9, 19]) {
      const before = owners(count);
      const after = owners(count + 1);
      const moved = after.filter((slot, key) => slot !== before[key]);
      expect(new Set(moved)).toEqual(new Set([count]));
      const share = moved.length / KEYS.length;
      expect(Math.abs(share * (count + 1) - 1)).toBeLessThan(0.35);
    }
  });

  it('gives every endpoint its share within 35 %', () => {
    for (const count of [2, 3, 10, 30]) {
      const counts = endpointList(count).map(() => 0);
      const ring = new HashRing(endpointList(count).map(({ address, port }) => endpointId(SERVICE, address, port)));
      const random = seeded(count);
      const keys = 3000 * count;
      for (let left = keys; left > 0; left--) {
        const owner = ring.owner(ring.find(Math.floor(random() * 2 ** 32)));
        counts[owner] = (counts[owner] ?? 0) + 1;
      }
      for (const each of counts) expect(Math.abs(each / 3000 - 1)).toBeLessThan(0.35);
    }
  });

  it('is the same in every worker, for any order of the list and any slots', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(endpointList(12), { minLength: 12 }), fc.nat(1000), (shuffled, offset) => {
        const here = createScene(12);
        const there = createScene(12);
        there.endpoints = shuffled.map((endpoint) => ({ ...endpoint, slot: endpoint.slot + offset }));
        const [ours, theirs] = [new RingHash(SERVICE), new RingHash(SERVICE)];
        for (const key of KEYS.slice(0, 200)) expect(there.pick(theirs, key) - offset).toBe(here.pick(ours, key));
      }),
      { numRuns: 30 },
    );
  });

  it('is another for another service: what falls on one endpoint of one does not in another', () => {
    const scene = createScene(10);
    const [one, other] = [new RingHash(SERVICE), new RingHash('default/chat/81')];
    const same = KEYS.filter((key) => scene.pick(one, key) === scene.pick(other, key)).length;
    expect(same).toBeLessThan(KEYS.length / 4);
  });

  it('goes to the next for one that is not usable, and back when it is; a key of the others never moves', () => {
    const all = owners(10);
    const without = owners(10, (scene) => scene.board.setStatus(3, EndpointStatus.unhealthy));
    const removed = owners(10, (scene) => {
      scene.endpoints = scene.endpoints.filter(({ slot }) => slot !== 3);
    });
    expect(without).toEqual(removed);
    expect(without).not.toEqual(all);
    expect(owners(10, (scene) => scene.board.setStatus(3, EndpointStatus.healthy))).toEqual(all);
  });

  it('retries another and never a tried one', () => {
    const scene = createScene(5);
    const ring = new RingHash(SERVICE);
    for (const key of KEYS.slice(0, 50)) {
      const tried: number[] = [];
      for (let left = 5; left > 0; left--) {
        const slot = scene.pick(ring, key, tried);
        expect(tried).not.toContain(slot);
        tried.push(slot);
      }
      expect(scene.pick(ring, key, tried)).toBe(-1);
    }
  });

  it('of none, or of none that is usable, has none; of many it finds the one', () => {
    expect(owners(0)[0]).toBe(-1);
    const scene = createScene(1000);
    for (const { slot } of scene.endpoints) scene.board.setStatus(slot, EndpointStatus.unhealthy);
    const ring = new RingHash(SERVICE);
    expect(scene.pick(ring, KEYS[0])).toBe(-1);
    scene.board.setStatus(777, EndpointStatus.healthy);
    for (const key of KEYS.slice(0, 20)) expect(scene.pick(ring, key)).toBe(777);
  });

  it('finds the first point at or behind a key, over the end', () => {
    const ring = new HashRing(['0123456789abcdef']);
    expect(ring.owner(ring.find(0))).toBe(0);
    expect(ring.find(2 ** 32 - 1)).toBeLessThan(ring.size);
  });

  it('finds endpoints by id, after the membership has changed too', () => {
    const scene = createScene(3);
    const ring = new RingHash(SERVICE);
    const id = endpointId(SERVICE, '10.0.0.2', 80);
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(ring.find(scene.endpoints, id)).toBe(2);
    expect(ring.find(scene.endpoints.slice(1), id)).toBe(1);
    expect(ring.find(scene.endpoints.slice(0, 2), id)).toBe(-1);
  });
});
