/** TLS of a service's probes, from what a daemon is told to what it trusts: its authority arrives, and another one later. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProbedService, ProbedServices } from '@sluice/shared/health/probed-services';
import { DEFAULT_PROBE } from '@sluice/shared/snapshot/service-policy';
import { expect, test } from 'vitest';
import { EmbeddedHealthd, HealthRecord } from '../support/healthd.js';
import { Certificates } from '../support/probe-certificates.js';

const NAME = 'chat.example';

/** A service on `port` that is reached over TLS, and the authority (PEM) that its backends are verified against. */
function overTls(port: number, certificates: string): ProbedServices {
  const id = createHash('sha256').update(certificates).digest('hex').slice(0, 16);
  const service: ProbedService = {
    name: 'test/chat/80',
    targets: [{ type: 'address', host: '127.0.0.1', port, draining: false }],
    probe: { ...DEFAULT_PROBE, intervalMs: 200, timeoutMs: 5000, unhealthyThreshold: 2, tls: true },
    tls: { policy: 'test/chat', sni: NAME, subjectAltNames: [NAME], authority: id, clientCertificate: '' },
  };
  return { services: [service], authorities: [{ id, certificates }], certificates: [] };
}

test('the authority of a policy is what probes trust, and another one from the next probe on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-healthd-'));
  const [one, other] = ['one-', 'other-'].map((name) => new Certificates(mkdtempSync(join(folder, name)))) as [
    Certificates,
    Certificates,
  ];
  const serverNames: unknown[] = [];
  const server = createServer({ ...one.signed('server', NAME) }, (_, response) => response.end());
  server.on('secureConnection', ({ servername }) => serverNames.push(servername));
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [good, bad] = [one, other].map(({ caFile }) => overTls(port, readFileSync(caFile, 'utf8'))) as [
    ProbedServices,
    ProbedServices,
  ];
  const daemon = EmbeddedHealthd.start(null);
  daemon.tell(good);
  const record = new HealthRecord(daemon);
  try {
    await record.shows(`:${port}`, { status: 'healthy', why: '' });
    expect(serverNames.at(-1)).toBe(NAME);
    daemon.tell(bad);
    const { why } = await record.shows(`:${port}`, { status: 'unhealthy' });
    expect(why).toMatch(/^probe GET \/: TLS: the CA of the certificate is unknown/);
    daemon.tell(good);
    await record.shows(`:${port}`, { status: 'healthy', why: '' });
  } finally {
    await record.close();
    await daemon.close();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  }
});
