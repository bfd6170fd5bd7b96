import { ExitError } from '@sluice/shared/cli/exit-codes';
import { aListener } from '@sluice/shared/testing/snapshots';
import { describe, expect, it } from 'vitest';
import { planPorts, unusedPorts } from './ports.js';

const listener = (port: number) => aListener({ name: `l${port}`, gateway: 'default/gw', port });

describe('planPorts', () => {
  it('has listeners of one port share a socket', () => {
    expect(planPorts([listener(80), listener(8080), listener(80)], new Map())).toEqual([
      { port: 80, bind: 80, address: '', listeners: [0, 2] },
      { port: 8080, bind: 8080, address: '', listeners: [1] },
    ]);
  });

  it('gives each port that is mapped to 0 its own', () => {
    const map = new Map([
      [80, 9000],
      [82, 0],
      [83, 0],
    ]);
    expect(planPorts([80, 82, 83].map(listener), map)).toEqual([
      { port: 80, bind: 9000, address: '', listeners: [0] },
      { port: 82, bind: 0, address: '', listeners: [1] },
      { port: 83, bind: 0, address: '', listeners: [2] },
    ]);
  });

  it('has one entry for each address that a Gateway names', () => {
    const addressed = aListener({ port: 80, addresses: ['10.0.0.1', '::1', '10.0.0.1'] });
    const other = aListener({ port: 80, addresses: ['10.0.0.1'] });
    expect(planPorts([addressed, other], new Map())).toEqual([
      { port: 80, bind: 80, address: '10.0.0.1', listeners: [0, 1] },
      { port: 80, bind: 80, address: '::1', listeners: [0] },
    ]);
  });

  it('refuses a port on one address and on every address, whichever comes first', () => {
    const both = [aListener({ port: 80, addresses: ['10.0.0.1'] }), listener(80)];
    for (const listeners of [both, [...both].reverse()]) {
      expect(() => planPorts(listeners, new Map())).toThrow('port 80 is wanted on 10.0.0.1:80 and on every address');
      expect(planPorts(listeners, new Map([[80, 0]]))).toHaveLength(2);
    }
  });

  it.each([
    { map: { 80: 9000, 81: 9000 }, name: 'a third' },
    { map: { 80: 81 }, name: 'the other’s' },
  ])('refuses two declared ports on one bound port: $name', ({ map }) => {
    const entries = Object.entries(map).map(([declared, bound]) => [Number(declared), bound] as const);
    expect(() => planPorts([listener(80), listener(81)], new Map(entries))).toThrow(ExitError);
  });
});

describe('unusedPorts', () => {
  it('are those that no listener declares', () => {
    const map = new Map([
      [80, 0],
      [443, 8443],
    ]);
    expect(unusedPorts([listener(80)], map)).toEqual(['443=8443']);
  });
});
