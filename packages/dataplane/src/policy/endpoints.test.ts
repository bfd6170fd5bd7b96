import { describe, expect, it } from 'vitest';
import { endpointList } from './balancing/testing.js';
import { EndpointSets } from './endpoints.js';

const entry = (endpoints = endpointList(3), why = '') => ({ service: 'd/s/80', endpoints, why });

describe('the endpoints of a service', () => {
  it('are none of a service that nobody spoke of', () => {
    const sets = new EndpointSets([]);
    expect([sets.of('d/s/80'), sets.why('d/s/80')]).toEqual([[], '']);
  });

  it('stay the same list while the same is said, though the reason changes', () => {
    const sets = new EndpointSets([entry()]);
    const list = sets.of('d/s/80');
    sets.update([entry(endpointList(3), 'all are down')]);
    expect(sets.of('d/s/80')).toBe(list);
    expect(sets.why('d/s/80')).toBe('all are down');
  });

  it.each([
    ['one more', endpointList(4)],
    ['one less', endpointList(2)],
    ['another slot', [...endpointList(2), { ...endpointList(3)[2], slot: 9 }]],
    ['another port', [...endpointList(2), { ...endpointList(3)[2], port: 9 }]],
    ['another order', endpointList(3).reverse()],
  ])('are another list with %s', (_, endpoints) => {
    const sets = new EndpointSets([entry()]);
    const list = sets.of('d/s/80');
    sets.update([entry(endpoints as ReturnType<typeof endpointList>)]);
    expect(sets.of('d/s/80')).not.toBe(list);
    expect(sets.of('d/s/80')).toEqual(endpoints);
  });
});
