/** Certificates for the tests of TLS, made by openssl in a folder of the test's: a CA, and what it signs or does not. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export class Certificates {
  /** The CA's certificate: for NODE_EXTRA_CA_CERTS. */
  readonly caFile: string;

  constructor(readonly folder: string) {
    this.caFile = join(folder, 'ca.pem');
    this.#openssl('req', '-x509', ...this.#newKey('ca'), '-days', '2', '-subj', '/CN=Sluice test CA', '-out', 'ca.pem');
  }

  /** Signed by the CA, for `name`, the addresses and what else (`URI:…`); `days` below 0 has expired. */
  signed(file: string, name: string, days = 2, more: readonly string[] = []): KeyPair {
    this.#openssl('req', ...this.#newKey(file), '-subj', `/CN=${name}`, '-out', `${file}.csr`);
    writeFileSync(
      join(this.folder, `${file}.ext`),
      `subjectAltName=${[`DNS:${name}`, 'IP:127.0.0.1', ...more].join()}\n`,
    );
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${file}.ext`];
    this.#openssl('x509', '-req', '-in', `${file}.csr`, ...by, '-days', String(days), '-out', `${file}.pem`);
    return this.#read(file);
  }

  selfSigned(file: string, name: string): KeyPair {
    const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
    this.#openssl('req', '-x509', ...this.#newKey(file), '-days', '2', ...names, '-out', `${file}.pem`);
    return this.#read(file);
  }

  #newKey(file: string): string[] {
    return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${file}.key`];
  }

  #read(file: string): KeyPair {
    const read = (name: string) => readFileSync(join(this.folder, name), 'utf8');
    return { cert: read(`${file}.pem`), key: read(`${file}.key`) };
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: 'pipe' });
  }
}
