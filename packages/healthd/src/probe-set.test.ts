import { DEFAULT_PROBE } from '@sluice/shared/snapshot/service-policy';
import { aService } from '@sluice/shared/testing/snapshots';
import type { PeerTls } from '@sluice/shared/tls/trust';
import { describe, expect, it } from 'vitest';
import { ProbeSet } from './probe-set.js';

const POLICY = { policy: 'ns/p', sni: 'a', subjectAltNames: ['a'], authority: 'ca1', clientCertificate: 'cert1' };
const MATERIAL = {
  authorities: ['ca1', 'ca2'].map((id) => ({ id, certificates: `PEM of ${id}` })),
  certificates: [{ id: 'cert1', chain: 'chain', key: 'key' }],
};

function scene() {
  const made: (PeerTls | null)[] = [];
  const set = new ProbeSet((_, tls) => {
    made.push(tls);
    return () => Promise.resolve({ healthy: true, why: '', elapsedMs: 1 });
  });
  const update = (...services: ReturnType<typeof aService>[]) => [...set.update({ services, ...MATERIAL })];
  return { made, set, update };
}

describe('ProbeSet', () => {
  const tls = { ...DEFAULT_PROBE, tls: true };

  it('makes a probe when its service is new or is probed in another way, and no other', () => {
    const { set, update } = scene();
    expect(update(aService('a'), aService('b'))).toEqual(['a', 'b']);
    const [a, b] = [set.get('a'), set.get('b')];
    const targets = [{ type: 'address', host: '1.1.1.1', port: 80, draining: false }] as const;
    expect(update(aService('b', { probe: { ...DEFAULT_PROBE, intervalMs: 7 } }), aService('a', { targets }))).toEqual([
      'b',
    ]);
    expect([set.get('a') === a, set.get('b') === b]).toEqual([true, false]);
    update(aService('a'));
    expect(set.get('b')).toBeUndefined();
  });

  it('shares what is trusted and shown among services and over changes', () => {
    const { made, update } = scene();
    const a = aService('a', { probe: tls, tls: POLICY });
    const other = { ...POLICY, sni: 'b', subjectAltNames: ['b'] };
    update(a, aService('b', { probe: tls, tls: other }));
    expect(made.map((each) => each?.sni)).toEqual(['a', 'b']);
    expect(made[0]?.trust).toBe(made[1]?.trust);
    update(a, aService('b', { probe: tls, tls: { ...other, authority: 'ca2' } }));
    expect(made[2]?.trust).not.toBe(made[0]?.trust);
    update(aService('c', { probe: tls, tls: other }));
    expect(made[3]?.trust).toBe(made[0]?.trust);
    update();
    update(a);
    expect(made[4]?.trust).not.toBe(made[0]?.trust);
  });

  it('a probe without TLS, or of a service without a policy, has none of it', () => {
    const { made, update } = scene();
    update(aService('a', { tls: POLICY }), aService('b', { probe: tls }));
    expect(made).toEqual([null, null]);
  });

  it('verifies unless the policy says that nobody is to be asked; what is missing is trusted by nobody', () => {
    const { made, update } = scene();
    const authorities = ['ca1', 'system', 'none', 'missing'];
    update(...authorities.map((authority) => aService(authority, { probe: tls, tls: { ...POLICY, authority } })));
    expect(made.map((each) => each?.trust.verifies)).toEqual([true, true, false, true]);
  });
});
