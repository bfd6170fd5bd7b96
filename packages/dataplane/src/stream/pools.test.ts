import { NO_BACKEND_MATERIAL } from '@sluice/shared/snapshot/backend-material';
import { CA, CLIENT } from '@sluice/shared/testing/certificates';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Pools, REQUESTS_MAX } from './pools.js';

const POLICY = { policy: 'ns/p', sni: 'a', subjectAltNames: ['a'], authority: 'ca', clientCertificate: '' };
const MATERIAL = {
  authorities: [{ id: 'ca', certificates: CA }],
  certificates: [{ id: 'shown', chain: CLIENT.chain, key: CLIENT.key }],
};
const ENDPOINT = { address: '10.0.0.1', port: 80, slot: 0 };
const OTHER = { address: 'fd00::1', port: 80, slot: 1 };

let pools: Pools;
beforeEach(() => {
  pools = new Pools(16_384);
});
afterEach(() => pools.destroy());

test('one pool an endpoint and way to reach it, whatever the policy is called', () => {
  const plain = pools.of(ENDPOINT, null, MATERIAL);
  const secure = pools.of(ENDPOINT, POLICY, MATERIAL);
  expect(secure).not.toBe(plain);
  expect(pools.of({ ...ENDPOINT, slot: 7 }, { ...POLICY, policy: 'ns/other' }, MATERIAL)).toBe(secure);
  const others = [
    { ...POLICY, sni: '' },
    { ...POLICY, subjectAltNames: ['b'] },
    { ...POLICY, authority: 'system' },
    { ...POLICY, authority: 'none', subjectAltNames: [] },
    { ...POLICY, clientCertificate: 'shown' },
  ].map((tls) => pools.of(ENDPOINT, tls, MATERIAL));
  expect(new Set([plain, secure, ...others]).size).toBe(7);
  expect(pools.size).toBe(7);
});

test('a policy without its material is an error, never a connection that trusts somebody else', () => {
  expect(() => pools.of(ENDPOINT, POLICY, NO_BACKEND_MATERIAL)).toThrow(/authority of BackendTLSPolicy ns\/p/);
  const shown = { ...POLICY, clientCertificate: 'shown' };
  expect(() => pools.of(ENDPOINT, shown, { ...MATERIAL, certificates: [] })).toThrow(/no client certificate/);
  expect(pools.size).toBe(0);
});

test('pools end with their endpoints and with their policies', () => {
  const [plain, secure] = [pools.of(ENDPOINT, null, MATERIAL), pools.of(ENDPOINT, POLICY, MATERIAL)];
  pools.of(OTHER, null, MATERIAL);
  pools.keep(new Set(['10.0.0.1:80']));
  expect([pools.size, pools.of(ENDPOINT, POLICY, MATERIAL)]).toEqual([2, secure]);
  pools.keepPolicies([{ ...POLICY, subjectAltNames: ['b'] }]);
  expect([pools.size, secure?.pool.closed]).toEqual([1, true]);
  expect(pools.of(ENDPOINT, null, MATERIAL)).toBe(plain);
  expect(pools.of(ENDPOINT, POLICY, MATERIAL)).not.toBe(secure);
});

test('requests under way are bounded', () => {
  const upstream = pools.of(ENDPOINT, null, MATERIAL);
  if (upstream !== undefined) upstream.requests = REQUESTS_MAX;
  expect(pools.of(ENDPOINT, null, MATERIAL)).toBeUndefined();
});
