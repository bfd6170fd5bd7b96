/** An authority of a test's own, made by openssl in the test's folder, and the certificates that it signs. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsCertificate } from '@sluice/dataplane/engine/tls-binding';

export interface Issue {
  /** subjectAltName entries; `DNS:` + the common name when absent. */
  readonly names?: readonly string[];
  readonly key?: 'ec' | 'rsa';
  /** Below 0: expired. */
  readonly days?: number;
}

const KEYS = { ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'], rsa: ['rsa:2048'] } as const;

export class Authority {
  /** PEM. */
  readonly certificate: string;
  #issued = 0;

  constructor(
    readonly folder: string,
    readonly name: string,
  ) {
    const subject = ['-subj', `/CN=${name}`, '-days', '2', '-out', `${name}.pem`];
    this.#openssl('req', '-x509', ...this.#newKey(name, 'ec'), ...subject);
    this.certificate = readFileSync(join(folder, `${name}.pem`), 'utf8');
  }

  issue(commonName: string, { names = [`DNS:${commonName}`], key = 'ec', days = 2 }: Issue = {}): TlsCertificate {
    this.#issued += 1;
    const file = `${this.name}-${this.#issued}`;
    this.#openssl('req', ...this.#newKey(file, key), '-subj', `/O=Sluice/CN=${commonName}`, '-out', `${file}.csr`);
    writeFileSync(join(this.folder, `${file}.ext`), `subjectAltName=${names.join(',')}\n`);
    const by = ['-CA', `${this.name}.pem`, '-CAkey', `${this.name}.key`, '-CAcreateserial', '-extfile', `${file}.ext`];
    this.#openssl('x509', '-req', '-in', `${file}.csr`, ...by, '-days', String(days), '-out', `${file}.pem`);
    const read = (ending: string) => readFileSync(join(this.folder, `${file}.${ending}`), 'utf8');
    return { chain: read('pem'), key: read('key') };
  }

  #newKey(file: string, key: 'ec' | 'rsa'): string[] {
    return ['-newkey', ...KEYS[key], '-nodes', '-keyout', `${file}.key`];
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: 'pipe' });
  }
}
