/** A health daemon of its own, whose probes trust an authority in a file: renewed, gone, and the listeners' files elsewhere. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { findRecord, Healthd } from '../support/healthd.js';
import { Certificates } from '../support/probe-certificates.js';
import { RedisServer } from '../support/redis.js';
import { Subscribed } from '../support/redis-bus.js';
import { fileSecret, secureManifests, tlsPolicy } from '../support/tls-manifests.js';

const NAME = 'chat.example';

function manifestsOf(port: number, authority: string): string {
  const target = { group: '', kind: 'Service', name: 'chat' };
  const verify = { caCertificateRef: { group: '', kind: 'Secret', name: 'authority' }, subjectAltName: NAME };
  const probe = { interval: '200ms', timeout: '5s', healthyThreshold: 1, unhealthyThreshold: 2 };
  const more = [
    fileSecret('elsewhere', { 'certificate-file': '/nowhere/chain.pem', 'key-file': '/nowhere/key.pem' }),
    fileSecret('authority', { 'ca-file': authority }),
    tlsPolicy('BackendTLSPolicy', 'chat', { targetRef: target, default: { sni: NAME, verify } }),
    {
      apiVersion: 'alb.networking.azure.io/v1',
      kind: 'HealthCheckPolicy',
      metadata: { name: 'chat', namespace: 'test' },
      spec: { targetRef: target, default: { ...probe, http: { path: '/' } } },
    },
  ];
  return secureManifests([{ name: 'web', secrets: ['elsewhere'] }], { chat: [{ address: '127.0.0.1', port }] }, more);
}

test('an authority in a file is what probes trust, and what takes its place from the next probe on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-healthd-files-'));
  const [one, other] = ['one-', 'other-'].map((name) => new Certificates(mkdtempSync(join(folder, name)))) as [
    Certificates,
    Certificates,
  ];
  const authority = join(folder, 'authority.pem');
  const trust = ({ caFile }: Certificates): void => {
    writeFileSync(`${authority}.new`, readFileSync(caFile));
    renameSync(`${authority}.new`, authority);
  };
  trust(one);
  const server = createServer({ ...one.signed('server', NAME) }, (_, response) => response.end());
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const redis = await RedisServer.start();
  const subscribed = new Subscribed(redis.options());
  const shows = (status: 'healthy' | 'unhealthy') =>
    subscribed.shows((table) => void findRecord(table, `:${port}`, { status }));
  const daemon = await Healthd.start(manifestsOf(port, authority), redis.url);
  try {
    await shows('healthy');
    expect(daemon.describeLog()).not.toContain('/nowhere');
    trust(other);
    await shows('unhealthy');
    trust(one);
    await shows('healthy');
    rmSync(authority);
    await eventually(() => expect(daemon.describeLog()).toContain(`${authority} does not exist`));
    await shows('healthy');
  } finally {
    await daemon.close();
    await subscribed.bus.close();
    await redis.close();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  }
});
