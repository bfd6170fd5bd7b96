import { expect, test } from 'vitest';
import { backendMaterialOf } from './backend-material.js';

const certificate = (id: string) => ({
  id,
  secret: 'ns/s',
  chain: `chain of ${id}`,
  key: `key of ${id}`,
  keyType: 'ec' as const,
  names: [],
  notAfterMs: 0,
});

test('what policies for backends name, and no key of a listener', () => {
  const policy = { policy: 'ns/p', sni: '', subjectAltNames: ['a'], authority: 'ca', clientCertificate: 'client' };
  const authorities = ['ca', 'clients'].map((id) => ({ id, certificates: id }));
  const material = { authorities, certificates: ['client', 'listener'].map(certificate) };
  const services = [{ tls: null }, { tls: policy }, { tls: { ...policy, authority: 'system', clientCertificate: '' } }];
  expect(backendMaterialOf(services, material)).toEqual({
    authorities: [{ id: 'ca', certificates: 'ca' }],
    certificates: [{ id: 'client', chain: 'chain of client', key: 'key of client' }],
  });
});
