/**
 * Certificates, keys and authorities: PEM read and checked, and the book that keeps each of them once.
 *
 * What is wrong is found here, while the configuration can still be refused, and not by the engine, which could do no more
 * than fail every handshake. Invariant: what the book holds, OpenSSL has taken. Pure but for the book; the clock is given.
 */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { compareText } from './hostname.js';
import type { AuthorityMaterial, CertificateMaterial, TlsMaterial } from './tls.js';

/** RSA keys below are refused by OpenSSL's security level 2, which newer versions of Node.js have as their default. */
const RSA_BITS_MIN = 2048;
const CERTIFICATE_BLOCK =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;
const ENCRYPTED_KEY = /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/;
/** One entry of a subjectAltName as Node.js prints it: values with special characters are JSON strings. */
const ALT_NAME = /([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, )?/g;

/** What came of reading PEM: the material, and what is odd about it; or, as text, why it cannot be used. */
export type Reading<Material> = { readonly material: Material; readonly warnings: readonly string[] } | string;

/** What messages call the parts of a certificate: keys of a Secret, or files. */
export interface PartNames {
  readonly chain: string;
  readonly key: string;
}

const SECRET_KEYS: PartNames = { chain: 'tls.crt', key: 'tls.key' };

/** A chain and its key. `secret`: `namespace/name` of where it stands. What is wrong begins with the name of the part. */
export function readCertificate(
  secret: string,
  chain: string,
  key: string,
  nowMs: number,
  names: PartNames = SECRET_KEYS,
): Reading<CertificateMaterial> {
  const certificates = parseCertificates(chain);
  if (typeof certificates === 'string') return `${names.chain} ${certificates}`;
  const privateKey = parseKey(key);
  if (typeof privateKey === 'string') return `${names.key} ${privateKey}`;
  const [leaf] = certificates;
  const owner = certificates.findIndex((certificate) => certificate.checkPrivateKey(privateKey));
  if (leaf === undefined || owner < 0) return `${names.key} is not the key of the certificate in ${names.chain}`;
  if (owner > 0) {
    return `${names.chain} is in the wrong order: the certificate of the key is number ${owner + 1} of the chain, and must be the first`;
  }
  const pem = toPem(certificates);
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const refusal = refusalOfOpenssl(pem, keyPem);
  if (refusal !== undefined) return refusal;
  const type = privateKey.asymmetricKeyType;
  const material: CertificateMaterial = {
    id: digest(pem, keyPem),
    secret,
    chain: pem,
    key: keyPem,
    keyType: type === 'rsa' || type === 'ec' ? type : 'other',
    names: dnsNames(leaf),
    notAfterMs: Date.parse(leaf.validTo),
  };
  return { material, warnings: [...validity(certificates, nowMs), ...brokenChain(certificates)] };
}

/** Certificates that others are verified against, in any order. */
export function readAuthority(pem: string, nowMs: number): Reading<AuthorityMaterial> {
  const certificates = parseCertificates(pem);
  if (typeof certificates === 'string') return certificates;
  const text = toPem(certificates);
  return { material: { id: digest(text), certificates: text }, warnings: validity(certificates, nowMs) };
}

/** The material of a snapshot, each id once. */
export interface MaterialBook {
  /** Its id. */
  certificate(material: CertificateMaterial): string;
  /** Its id. */
  authority(material: AuthorityMaterial): string;
  /** In the order of the ids. */
  all(): TlsMaterial;
}

export function createMaterialBook(): MaterialBook {
  const certificates = new Map<string, CertificateMaterial>();
  const authorities = new Map<string, AuthorityMaterial>();
  return {
    certificate(material) {
      const known = certificates.get(material.id);
      // Of several Secrets with one content the first by name is shown, whatever the order in which they are met.
      if (known === undefined || compareText(material.secret, known.secret) < 0)
        certificates.set(material.id, material);
      return material.id;
    },
    authority(material) {
      authorities.set(material.id, material);
      return material.id;
    },
    all: () => ({ certificates: byId(certificates), authorities: byId(authorities) }),
  };
}

function byId<Material extends { readonly id: string }>(all: ReadonlyMap<string, Material>): Material[] {
  return [...all.values()].sort((a, b) => compareText(a.id, b.id));
}

/** At least one certificate, or what is wrong. */
function parseCertificates(pem: string): X509Certificate[] | string {
  const blocks = pem.match(CERTIFICATE_BLOCK) ?? [];
  if (blocks.length === 0) return 'holds no certificate (PEM, "-----BEGIN CERTIFICATE-----")';
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      return blocks.length === 1
        ? 'is not a certificate'
        : `has a certificate that cannot be read (number ${index + 1})`;
    }
  }
  return certificates;
}

function parseKey(pem: string): KeyObject | string {
  if (ENCRYPTED_KEY.test(pem)) return 'is encrypted: nobody could give its password, so store it without one';
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    return 'is not a private key (PEM, "-----BEGIN PRIVATE KEY-----")';
  }
  const bits = key.asymmetricKeyDetails?.modulusLength;
  return bits !== undefined && bits < RSA_BITS_MIN ? `has ${bits} bits: an RSA key has at least ${RSA_BITS_MIN}` : key;
}

/** Curves, digests and encodings that OpenSSL will not use: only it knows all of them. */
function refusalOfOpenssl(cert: string, key: string): string | undefined {
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch (error) {
    return `OpenSSL refuses it: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function toPem(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('');
}

function dnsNames({ subjectAltName }: X509Certificate): string[] {
  const entries = [...(subjectAltName ?? '').matchAll(ALT_NAME)];
  const names = entries.filter(([, type]) => type === 'DNS').map(([, , value = '']) => value.toLowerCase());
  return [...new Set(names)];
}

function validity(certificates: readonly X509Certificate[], nowMs: number): string[] {
  return certificates.flatMap(({ subject, validFrom, validTo }) => {
    const name = JSON.stringify(subject.replaceAll('\n', ', '));
    if (nowMs > Date.parse(validTo)) return [`certificate ${name} has expired (${validTo})`];
    return nowMs < Date.parse(validFrom) ? [`certificate ${name} is not valid before ${validFrom}`] : [];
  });
}

function brokenChain(certificates: readonly X509Certificate[]): string[] {
  const broken = certificates.findIndex((certificate, index) => {
    const issuer = certificates[index + 1];
    return issuer !== undefined && !certificate.checkIssued(issuer);
  });
  if (broken < 0) return [];
  return [`certificate ${broken + 2} of the chain did not issue certificate ${broken + 1}: peers may not trust it`];
}

function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16);
}
