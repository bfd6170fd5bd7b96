import type { ListenerSnapshot } from '@sluice/shared/snapshot/snapshot';
import { describe, expect, it } from 'vitest';
import { planPorts } from './ports.js';

const listener = (port: number): ListenerSnapshot => ({
  name: `l${port}`,
  gateway: 'default/gw',
  port,
  protocol: 'HTTP',
  hostname: '',
  hosts: [],
});

describe('planPorts', () => {
  it('has listeners of one port share a socket', () => {
    expect(planPorts([listener(80), listener(8080), listener(80)], new Map())).toEqual([
      { port: 80, bind: 80, listeners: [0, 2] },
      { port: 8080, bind: 8080, listeners: [1] },
    ]);
  });

  it('has ports that are mapped to one share it too, but gives each port that is mapped to 0 its own', () => {
    const map = new Map([
      [80, 9000],
      [81, 9000],
      [82, 0],
      [83, 0],
    ]);
    expect(planPorts([80, 81, 82, 83].map(listener), map)).toEqual([
      { port: 80, bind: 9000, listeners: [0, 1] },
      { port: 82, bind: 0, listeners: [2] },
      { port: 83, bind: 0, listeners: [3] },
    ]);
  });
});
