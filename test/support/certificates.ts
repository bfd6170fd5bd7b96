/** A folder with an authority of its own and one certificate for `localhost` and 127.0.0.1, to be served by a gateway. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsCertificate } from '@sluice/dataplane/engine/tls-binding';
import type { Description, Manifest } from './manifests.js';
import { Authority } from './tls-authority.js';
import { tlsSecret } from './tls-manifests.js';

/** A plain listener, and one with TLS that serves the Secret `local`. */
export const PAIRED_LISTENERS: NonNullable<Description['listeners']> = [
  { name: 'http', port: 80 },
  { name: 'https', port: 443, secrets: ['local'] },
];

export class Certificates {
  readonly authority: Authority;
  /** As the Secret `local`, for `secrets: ['local']` of a listener. */
  readonly secret: Manifest;

  private constructor(readonly folder: string) {
    this.authority = new Authority(folder, 'ca');
    const names = ['DNS:localhost', 'DNS:*.localhost', 'IP:127.0.0.1'];
    this.secret = tlsSecret('local', this.authority.issue('localhost', { names }));
  }

  static make(): Certificates {
    return new Certificates(mkdtempSync(join(tmpdir(), 'sluice-certificates-')));
  }

  /** PEM of the authority, and the file that holds it. */
  get ca(): string {
    return this.authority.certificate;
  }
  get caFile(): string {
    return join(this.folder, 'ca.pem');
  }

  /** The files of a certificate for a client. */
  clientFiles(name: string): { cert: string; key: string } {
    const { chain, key }: TlsCertificate = this.authority.issue(name);
    const files = { cert: join(this.folder, `${name}.crt`), key: join(this.folder, `${name}.key`) };
    writeFileSync(files.cert, chain);
    writeFileSync(files.key, key);
    return files;
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
