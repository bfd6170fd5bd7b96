/** A certificate authority and a certificate for 127.0.0.1, made by openssl in a folder of the test's own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RedisCertificates {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  remove(): void;
}

const DAYS = ['-days', '2'];
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export function createCertificates(): RedisCertificates {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-redis-tls-'));
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { stdio: 'pipe' });
  };
  const [ca, caKey, key, request, certificate] = ['ca.pem', 'ca.key', 'redis.key', 'redis.csr', 'redis.pem'].map(
    at,
  ) as [string, string, string, string, string];
  openssl('req', '-x509', ...NEW_KEY, ...DAYS, '-subj', '/CN=test authority', '-keyout', caKey, '-out', ca);
  openssl('req', '-new', ...NEW_KEY, '-subj', '/CN=redis', '-keyout', key, '-out', request);
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const signed = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', ...DAYS, '-extfile', at('names')];
  openssl('x509', '-req', '-in', request, ...signed, '-out', certificate);
  return { ca, certificate, key, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
