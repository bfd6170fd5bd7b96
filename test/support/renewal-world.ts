/**
 * A listener of one host whose certificates change while its gateway runs: each has a second name that tells it from the
 * others. A folder, an authority and an echo backend.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsCertificate } from '@sluice/dataplane/engine/tls-binding';
import { EchoBackend } from './echo-backend.js';
import type { Manifest } from './manifests.js';
import { Authority } from './tls-authority.js';
import type { TlsClient } from './tls-client.js';
import { secureManifests, tlsPolicy } from './tls-manifests.js';

export const HOST = 'chat.example.com';
/** Clients show a certificate that the Secret `clients` vouches for. */
export const VERIFY = tlsPolicy('FrontendTLSPolicy', 'clients', {
  targetRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' },
  default: { verify: { caCertificateRef: { group: '', kind: 'Secret', name: 'clients' } } },
});

export class RenewalWorld {
  readonly authority: Authority;

  private constructor(
    readonly folder: string,
    readonly backend: EchoBackend,
  ) {
    this.authority = new Authority(folder, 'ca');
  }

  static async start(): Promise<RenewalWorld> {
    return new RenewalWorld(mkdtempSync(join(tmpdir(), 'sluice-renewal-')), await EchoBackend.start());
  }

  /** A certificate of the host that shows this name. */
  issue(name: string): TlsCertificate {
    return this.authority.issue(HOST, { names: [`DNS:${HOST}`, `DNS:${name}`] });
  }

  /** The listener takes its certificate from the Secret `chat`. */
  manifests(more: readonly Manifest[]): string {
    const listeners = [{ name: 'chat', hostname: HOST, secrets: ['chat'] }];
    return secureManifests(listeners, { echo: [this.backend] }, more);
  }

  async close(): Promise<void> {
    await this.backend.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The name by which the certificate that a client got is told from others. */
export function shownName({ socket }: TlsClient): string {
  return socket.getPeerCertificate().subjectaltname?.split('DNS:').at(-1) ?? '';
}

/** What a client shows, by this authority. */
export function identity(by: Authority): { readonly cert: string; readonly key: string } {
  const { chain, key } = by.issue('client');
  return { cert: chain, key };
}
