/**
 * Versions and cipher suites of listeners: the reference's predefined policies, and what counts without one.
 *
 * Suites are those of TLS 1.2, by OpenSSL's names; those of TLS 1.3 are OpenSSL's own and all of them good. Pure data.
 * Source: the reference's page on TLS policy.
 */
import type { ListenerTlsSnapshot } from './tls.js';

export type TlsVersions = Pick<ListenerTlsSnapshot, 'minVersion' | 'ciphers'>;

const STRICT = [
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES128-GCM-SHA256',
];

/** Forward secrecy and authenticated encryption alone. The reference's default is 2023-06, CBC suites included. */
export const DEFAULT_VERSIONS: TlsVersions = {
  minVersion: '1.2',
  ciphers: [...STRICT, 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
};

/** By the `name` of a policyType. */
export const PREDEFINED_VERSIONS: Readonly<Record<'2023-06' | '2023-06-S', TlsVersions>> = {
  '2023-06': {
    minVersion: '1.2',
    ciphers: [
      ...STRICT,
      'ECDHE-ECDSA-AES256-SHA384',
      'ECDHE-ECDSA-AES128-SHA256',
      'ECDHE-RSA-AES256-SHA384',
      'ECDHE-RSA-AES128-SHA256',
    ],
  },
  '2023-06-S': { minVersion: '1.2', ciphers: STRICT },
};
