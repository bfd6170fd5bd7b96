import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  CA,
  CLIENT,
  DEEP,
  EC,
  ENCRYPTED_KEY,
  EXPIRED,
  INTERMEDIATE,
  OTHER_CA,
  RSA,
  WILDCARD,
} from '../testing/certificates.js';
import { createMaterialBook, type Reading, readAuthority, readCertificate } from './material.js';

const NOW = Date.parse('2026-06-01T00:00:00Z');
const JUNK = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

function read(chain: string, key: string, nowMs = NOW) {
  return readCertificate('default/tls', chain, key, nowMs);
}

function good<Material>(reading: Reading<Material>) {
  if (typeof reading === 'string') throw new Error(reading);
  return reading;
}

test('a certificate and what the engine must know of it', () => {
  const { material, warnings } = good(read(RSA.chain, RSA.key));
  expect(warnings).toEqual([]);
  expect(material).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{16}$/),
    secret: 'default/tls',
    chain: RSA.chain,
    key: RSA.key,
    keyType: 'rsa',
    names: ['chat.example.com', 'chat2.example.com'],
    notAfterMs: Date.parse('2120-01-01T00:00:00Z'),
  });
});

test.each([
  ['an EC key', EC, 'ec', ['chat.example.com']],
  ['a wildcard', WILDCARD, 'ec', ['*.example.com']],
  ['no DNS name at all', CLIENT, 'ec', []],
])('%s', (_what, { chain, key }, keyType, names) => {
  expect(good(read(chain, key)).material).toMatchObject({ keyType, names });
});

test('what stands around the blocks and how lines end changes nothing', () => {
  const dressed = `subject=CN = chat\n${RSA.chain.replaceAll('\n', '\r\n')}\n\n`;
  expect(good(read(dressed, `\n${RSA.key}`)).material).toEqual(good(read(RSA.chain, RSA.key)).material);
});

test('the id follows chain and key', () => {
  const id = (chain: string, key: string) => good(read(chain, key)).material.id;
  expect(new Set([id(RSA.chain, RSA.key), id(RSA.chain + CA, RSA.key), id(EC.chain, EC.key)]).size).toBe(3);
});

test.each([
  ['', RSA.key, 'tls.crt holds no certificate (PEM, "-----BEGIN CERTIFICATE-----")'],
  ['junk', RSA.key, 'tls.crt holds no certificate (PEM, "-----BEGIN CERTIFICATE-----")'],
  [JUNK, RSA.key, 'tls.crt is not a certificate'],
  [RSA.chain + JUNK, RSA.key, 'tls.crt has a certificate that cannot be read (number 2)'],
  [RSA.chain, '', 'tls.key is not a private key (PEM, "-----BEGIN PRIVATE KEY-----")'],
  [RSA.chain, RSA.chain, 'tls.key is not a private key (PEM, "-----BEGIN PRIVATE KEY-----")'],
  [EC.chain, ENCRYPTED_KEY, 'tls.key is encrypted: nobody could give its password, so store it without one'],
  [RSA.chain, EC.key, 'tls.key is not the key of the certificate in tls.crt'],
  [EC.chain, WILDCARD.key, 'tls.key is not the key of the certificate in tls.crt'],
  [
    INTERMEDIATE + DEEP.chain,
    DEEP.key,
    'tls.crt is in the wrong order: the certificate of the key is number 2 of the chain, and must be the first',
  ],
])('what cannot be used is said in words', (chain, key, fault) => expect(read(chain, key)).toBe(fault));

test('an RSA key that newer versions of OpenSSL refuse is refused by all', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  expect(read(RSA.chain, key)).toBe('tls.key has 1024 bits: an RSA key has at least 2048');
});

test('an expired certificate is a warning', () => {
  const { material, warnings } = good(read(EXPIRED.chain, EXPIRED.key));
  expect(warnings).toEqual(['certificate "CN=old.example.com" has expired (Jan  1 00:00:00 2021 GMT)']);
  expect(material.notAfterMs).toBeLessThan(NOW);
});

test('one that is not valid yet is a warning too', () => {
  const { warnings } = good(read(RSA.chain, RSA.key, Date.parse('2019-01-01T00:00:00Z')));
  expect(warnings).toEqual(['certificate "CN=chat.example.com" is not valid before Jan  1 00:00:00 2020 GMT']);
});

test.each([
  [DEEP.chain + INTERMEDIATE + CA, []],
  [DEEP.chain + INTERMEDIATE, []],
  [DEEP.chain + CA, ['certificate 2 of the chain did not issue certificate 1: peers may not trust it']],
])('a chain is followed', (chain, expected) => expect(good(read(chain, DEEP.key)).warnings).toEqual(expected));

test('an authority may be several certificates', () => {
  const both = good(readAuthority(CA + OTHER_CA, NOW));
  expect(both).toEqual({ material: { id: expect.any(String), certificates: CA + OTHER_CA }, warnings: [] });
  expect(both.material.id).not.toBe(good(readAuthority(CA, NOW)).material.id);
  expect(good(readAuthority(EXPIRED.chain, NOW)).warnings).toHaveLength(1);
});

test.each([
  ['', 'holds no certificate (PEM, "-----BEGIN CERTIFICATE-----")'],
  [RSA.key, 'holds no certificate (PEM, "-----BEGIN CERTIFICATE-----")'],
  [JUNK, 'is not a certificate'],
])('an authority without a certificate is none', (pem, fault) => expect(readAuthority(pem, NOW)).toBe(fault));

test('the book has each material once, in the order of the ids', () => {
  const one = good(read(RSA.chain, RSA.key)).material;
  const two = good(read(EC.chain, EC.key)).material;
  const ca = good(readAuthority(CA, NOW)).material;
  const book = createMaterialBook();
  expect(book.certificate({ ...one, secret: 'default/z' })).toBe(one.id);
  for (const material of [two, one, { ...one, secret: 'default/y' }]) book.certificate(material);
  expect([book.authority(ca), book.authority({ ...ca })]).toEqual([ca.id, ca.id]);
  const { certificates, authorities } = book.all();
  expect(certificates).toEqual([one, two].sort((a, b) => (a.id < b.id ? -1 : 1)));
  expect(authorities).toEqual([ca]);
});
