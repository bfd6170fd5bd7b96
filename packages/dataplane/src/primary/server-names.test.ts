import type { ListenerInfo } from '@sluice/shared/snapshot/snapshot';
import type { CertificateMaterial } from '@sluice/shared/snapshot/tls';
import { expect, test } from 'vitest';
import { serverNames } from './server-names.js';

function certificate(id: string, names: readonly string[], keyType: 'rsa' | 'ec' = 'ec'): CertificateMaterial {
  return { id, names, keyType, secret: `ns/${id}`, chain: '', key: '', notAfterMs: 0 };
}

function listener(hostname: string, certificates: readonly string[]): ListenerInfo {
  const tls = { certificates, minVersion: '1.2', ciphers: [], clientAuth: null } as const;
  return { hostname, tls } as unknown as ListenerInfo;
}

const CERTIFICATES = [
  certificate('a', ['a.example.com']),
  certificate('a-rsa', ['a.example.com'], 'rsa'),
  certificate('a-later', ['a.example.com']),
  certificate('b', ['b.example.com']),
  certificate('wild', ['*.example.com', 'example.com']),
];

function table(listeners: readonly ListenerInfo[]): Record<string, string> {
  const indexes = listeners.map((_, index) => index);
  const rows = serverNames(
    indexes,
    (index) => listeners[index],
    (id) => CERTIFICATES.find((each) => each.id === id),
  );
  return Object.fromEntries(rows.map((row) => [row.pattern, `${row.listener}: ${row.certificates.join(' ')}`]));
}

test('a listener shows its certificates for its hostname, the first of each type of key', () => {
  expect(table([listener('a.example.com', ['a', 'a-rsa', 'a-later'])])).toEqual({ 'a.example.com': '0: a a-rsa' });
});

test('of certificates with several names the one that has the name is shown, the first for the rest', () => {
  expect(table([listener('', ['wild', 'a', 'a-rsa'])])).toEqual({
    '': '0: wild',
    '*.example.com': '0: wild',
    'example.com': '0: wild',
    'a.example.com': '0: a a-rsa',
  });
});

test('names of a certificate that another listener answers for are that listener’s', () => {
  const listeners = [listener('', ['wild', 'a', 'b']), listener('a.example.com', ['wild', 'a'])];
  expect(table(listeners)).toEqual({
    '': '0: wild',
    '*.example.com': '0: wild',
    'example.com': '0: wild',
    'b.example.com': '0: b',
    'a.example.com': '1: wild',
  });
});

test('a wildcard that a more specific listener has is not another’s', () => {
  const listeners = [listener('', ['b', 'wild']), listener('*.example.com', ['a'])];
  expect(table(listeners)).toEqual({ '': '0: b', 'example.com': '0: wild', '*.example.com': '1: a' });
});

test('a listener without a certificate has no entry', () => {
  expect(table([listener('a.example.com', ['gone'])])).toEqual({});
});
