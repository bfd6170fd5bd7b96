/**
 * What all peers of a run have in common where TLS is concerned: one certificate, made for the run, one version, one cipher,
 * one group. The load offers nothing else (native/stream.c), the peers are told the same where they can be told, and
 * the proof asks what was negotiated.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificateProgram } from './build-native.js';

export type TlsVersion = '1.2' | '1.3';
export type KeyKind = 'ecdsa' | 'rsa';

export interface TlsTerms {
  version: TlsVersion;
  key: KeyKind;
  /** PEM. */
  certificate: string;
  privateKey: string;
  certificateFile: string;
  keyFile: string;
  /** Certificate and key in one file, as HAProxy wants them. */
  bothFile: string;
}

/** In OpenSSL's names. */
export const suite13 = 'TLS_AES_128_GCM_SHA256';
export const suites12: Record<KeyKind, string> = {
  ecdsa: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  rsa: 'ECDHE-RSA-AES128-GCM-SHA256',
};
export const group = 'X25519';

export function cipherOf({ version, key }: Pick<TlsTerms, 'version' | 'key'>): string {
  return version === '1.3' ? suite13 : suites12[key];
}

/** `ECDSA P-256, TLS 1.3, TLS_AES_128_GCM_SHA256, X25519` */
export function describeTerms(terms: Pick<TlsTerms, 'version' | 'key'>): string {
  const key = terms.key === 'ecdsa' ? 'ECDSA P-256' : 'RSA 2048';
  return `${key}, TLS ${terms.version}, ${cipherOf(terms)}, ${group}`;
}

export function makeTerms(folder: string, version: TlsVersion, key: KeyKind): TlsTerms {
  const both = execFileSync(certificateProgram, [key], { encoding: 'utf8' });
  const split = both.indexOf('-----BEGIN PRIVATE KEY-----');
  const terms = {
    version,
    key,
    certificate: both.slice(0, split),
    privateKey: both.slice(split),
    certificateFile: join(folder, 'certificate.pem'),
    keyFile: join(folder, 'key.pem'),
    bothFile: join(folder, 'both.pem'),
  };
  writeFileSync(terms.certificateFile, terms.certificate);
  writeFileSync(terms.keyFile, terms.privateKey, { mode: 0o600 });
  writeFileSync(terms.bothFile, both, { mode: 0o600 });
  return terms;
}
