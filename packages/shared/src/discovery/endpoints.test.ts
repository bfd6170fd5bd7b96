import { describe, expect, it } from 'vitest';
import type { TargetSnapshot } from '../snapshot/snapshot.js';
import { discoverEndpoints, type NameAnswer, normaliseAddress } from './endpoints.js';

const address = (host: string, port = 80, draining = false): TargetSnapshot => ({
  type: 'address',
  host,
  port,
  draining,
});
const name = (host: string, port = 80, draining = false): TargetSnapshot => ({ type: 'name', host, port, draining });
const answered = (...addresses: string[]): NameAnswer => ({ addresses, why: '', settled: true });

function discover(targets: readonly TargetSnapshot[], answers: Readonly<Record<string, NameAnswer>> = {}) {
  return discoverEndpoints(targets, (host) => answers[host] ?? { addresses: null, why: '', settled: false });
}

describe('normaliseAddress', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::FFFF:a00:1', '10.0.0.1'],
    ['0:0::1', '::1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['fe80::1%eth0', undefined],
    ['chat', undefined],
  ])('%s is %s', (text, expected) => expect(normaliseAddress(text)).toBe(expected));
});

describe('discoverEndpoints', () => {
  it('takes addresses as they are, each once, sorted', () => {
    const { endpoints, complete, reason } = discover([address('10.0.0.2'), address('10.0.0.1'), address('10.0.0.2')]);
    expect(endpoints.map((each) => each.address)).toEqual(['10.0.0.1', '10.0.0.2']);
    expect({ complete, reason }).toEqual({ complete: true, reason: '' });
  });

  it('makes every address of a name an endpoint, one that an address target has already only once', () => {
    const answers = { chat: answered('10.0.0.1', '::ffff:10.0.0.1', '::1') };
    const { endpoints } = discover([name('chat', 9000), address('10.0.0.1', 9000)], answers);
    expect(endpoints).toEqual([
      { address: '10.0.0.1', port: 9000, draining: false },
      { address: '::1', port: 9000, draining: false },
    ]);
  });

  it('keeps ports apart', () => {
    expect(discover([address('10.0.0.1', 80), address('10.0.0.1', 81)]).endpoints).toHaveLength(2);
  });

  it('calls an endpoint draining only when every target does', () => {
    const targets = [address('10.0.0.1', 80, true), address('10.0.0.2', 80, true), address('10.0.0.1')];
    expect(discover(targets).endpoints.map(({ draining }) => draining)).toEqual([false, true]);
    expect(discover([...targets].reverse()).endpoints.map(({ draining }) => draining)).toEqual([false, true]);
  });

  it('is not complete while a name has never been answered, and says why', () => {
    const failed: NameAnswer = { addresses: null, why: 'there is no such name', settled: true };
    const { endpoints, ...rest } = discover([name('a'), name('b')], { a: failed, b: answered('10.0.0.1') });
    expect(endpoints).toHaveLength(1);
    expect(rest).toEqual({ complete: false, settled: true, reason: 'there is no such name' });
    expect(discover([name('c')])).toMatchObject({ complete: false, settled: false, reason: '' });
  });
});
