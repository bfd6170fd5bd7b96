/**
 * Certificates for a gateway with one HTTPS listener for everybody and one that asks clients for a certificate, and the
 * manifests of both.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import type { Description } from './manifests.js';
import { Authority } from './tls-authority.js';
import { authoritySecret, secureManifests, tlsPolicy, tlsSecret } from './tls-manifests.js';

export const OPEN_HOST = 'open.example.com';
export const CLOSED_HOST = 'closed.example.com';
/** All to the service `http`, but for what is under /ws. */
export const HTTP_AND_WS: NonNullable<Description['routes']> = [
  {
    rules: [
      { prefix: '/ws', backends: ['ws'] },
      { prefix: '/', backends: ['http'] },
    ],
  },
];
const TARGET = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge', sectionNames: ['closed'] };

export class TlsWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  readonly authority = new Authority(this.folder, 'ca');

  /** Of a client: whom it trusts, and whom it asks for. */
  trust(servername = OPEN_HOST): ConnectionOptions & { readonly ca: string; readonly servername: string } {
    return { ca: this.authority.certificate, servername };
  }

  manifests(
    services: Description['services'],
    routes?: Description['routes'],
    gatewayAnnotations: Description['gatewayAnnotations'] = {},
  ): string {
    const verify = { caCertificateRef: { group: '', kind: 'Secret', name: 'clients' } };
    const listeners = [
      { name: 'open', hostname: OPEN_HOST, secrets: ['open'] },
      { name: 'closed', hostname: CLOSED_HOST, secrets: ['closed'] },
    ];
    const more = [
      tlsSecret('open', this.authority.issue(OPEN_HOST)),
      tlsSecret('closed', this.authority.issue(CLOSED_HOST)),
      authoritySecret('clients', this.authority.certificate),
      tlsPolicy('FrontendTLSPolicy', 'clients', { targetRef: TARGET, default: { verify } }),
    ];
    return secureManifests(listeners, services, more, routes, gatewayAnnotations);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
