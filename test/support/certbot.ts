/** Certificates as certbot keeps them: numbered files in archive/, and links in live/ that a renewal turns one by one. */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsCertificate } from '@sluice/dataplane/engine/tls-binding';

export class Certbot {
  readonly chain: string;
  readonly key: string;
  #generation = 0;

  constructor(readonly folder: string) {
    for (const name of ['archive', 'live']) mkdirSync(join(folder, name), { recursive: true });
    this.chain = join(folder, 'live', 'fullchain.pem');
    this.key = join(folder, 'live', 'privkey.pem');
  }

  /** Writes the files. What it gives turns the links. */
  issue({ chain, key }: TlsCertificate): { turnChain(): void; turnKey(): void } {
    this.#generation += 1;
    return { turnChain: this.#write('fullchain', chain), turnKey: this.#write('privkey', key) };
  }

  #write(name: string, text: string): () => void {
    const file = `${name}${this.#generation}.pem`;
    writeFileSync(join(this.folder, 'archive', file), text, { mode: 0o600 });
    const link = join(this.folder, 'live', `${name}.pem`);
    return () => {
      symlinkSync(join('..', 'archive', file), `${link}.new`);
      renameSync(`${link}.new`, link);
    };
  }
}
