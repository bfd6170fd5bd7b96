/** A gateway with HTTPS listeners and TLS to its backend, as manifests say it. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { Gateway } from '../support/gateway.js';
import { acceptOf, upgradeHead } from '../support/heads.js';
import type { Manifest } from '../support/manifests.js';
import { Authority } from '../support/tls-authority.js';
import { tlsConnect, tlsEchoes } from '../support/tls-client.js';
import { authoritySecret, secureManifests, tlsPolicy, tlsSecret } from '../support/tls-manifests.js';

const OPEN = 'open.example.com';
const SECURE = 'secure.example.com';
const LISTENERS = [
  { name: 'open', hostname: OPEN, secrets: ['open'] },
  { name: 'secure', hostname: SECURE, secrets: ['secure'] },
];
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';

let folder: string;
let authority: Authority;
let backend: EchoBackend;
let secrets: readonly Manifest[];
let frontend: Manifest;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  authority = new Authority(folder, 'ca');
  backend = await EchoBackend.start();
  secrets = [
    tlsSecret('open', authority.issue(OPEN)),
    tlsSecret('secure', authority.issue(SECURE, { key: 'rsa' })),
    authoritySecret('clients', authority.certificate),
  ];
  frontend = tlsPolicy('FrontendTLSPolicy', 'clients', {
    targetRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge', sectionNames: ['secure'] },
    default: { verify: { caCertificateRef: { group: '', kind: 'Secret', name: 'clients' } } },
  });
});

afterAll(async () => {
  await backend.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(config: string): Promise<Gateway> {
  return Gateway.start({ config, flags: { 'port-map': '443=0' } });
}

/** Status and body of the answer to a handshake for `host`. */
async function ask(gateway: Gateway, servername: string, host: string, more = {}): Promise<string> {
  const { client, socket } = await tlsConnect(gateway, { servername, ca: authority.certificate, ...more });
  await client.write(upgradeHead({ host }));
  const { status } = await client.readHead();
  const body = status === 101 ? '' : (await client.readToEnd()).toString();
  socket.destroy();
  return `${status} ${body}`.trim();
}

test('wss:// by server name; clients are verified where a policy says so; other hosts are misdirected', async () => {
  const gateway = await start(secureManifests(LISTENERS, { echo: [backend] }, [...secrets, frontend]));
  const { client, socket } = await tlsConnect(gateway, { servername: OPEN, ca: authority.certificate });
  await client.write(upgradeHead({ host: OPEN }));
  expect((await client.readHead()).status).toBe(101);
  expect(await tlsEchoes({ client, socket }, Buffer.alloc(200_000, 'x'))).toBe(true);
  expect(backend.exchanges.at(-1)?.request.one('x-forwarded-proto')).toBe('https');
  socket.end();
  await client.outcome();
  socket.destroy();

  const { chain, key } = authority.issue('client');
  const strangers = new Authority(folder, 'strangers').issue('stranger');
  expect(await ask(gateway, SECURE, SECURE, { cert: chain, key })).toBe('101');
  const stranger = { cert: strangers.chain, key: strangers.key };
  expect(await ask(gateway, SECURE, SECURE, stranger)).toMatch(/^400 .*unable to get local issuer certificate/);
  expect(await ask(gateway, OPEN, SECURE)).toMatch(/^421 /);
  expect(await ask(gateway, SECURE, OPEN, { cert: chain, key })).toMatch(/^421 /);
  expect(await ask(gateway, OPEN, 'other.example.com')).toMatch(/^421 /);
  await expect(ask(gateway, SECURE, SECURE)).rejects.toThrow();
  await expect(ask(gateway, 'other.example.com', OPEN)).rejects.toThrow(/unrecognized name/);

  const log = gateway.accessLog;
  const spliced = await log.record({ requestBodyBytes: 200_000 });
  expect(spliced).toMatchObject({ tlsProtocol: 'TLSv1.3', tlsCipher: 'TLS_AES_256_GCM_SHA384', listener: 'open' });
  await log.record({ closeReason: 'tls-failed', tlsError: 'peer did not return a certificate' });
  await log.record({ closeReason: 'tls-failed', tlsError: 'no listener has this server name' });
  const { refusalReason } = await log.record({ refusal: 'client-certificate' });
  expect(refusalReason).toMatch(/certificate.*: CN=stranger,O=Sluice$/);
  const { body } = await gateway.admin('/metrics');
  expect(body).toContain('sluice_tls_handshakes_total{side="client",result="failed"} 2');
  expect(body).toContain('sluice_tls_handshakes_total{side="client",result="full"} 6');
  await gateway.stop();
});

/** A backend that switches and echoes, and counts the certificates that it was shown. */
async function secureBackend(name: string, by: Authority): Promise<Server> {
  const { chain, key } = by.issue(name);
  const options = { cert: chain, key, ca: authority.certificate, requestCert: true };
  const server = createServer(options, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (head: Buffer) => {
      const accept = acceptOf(/sec-websocket-key: (.*)\r\n/i.exec(head.toString('latin1'))?.[1] ?? '');
      socket.write(
        `${SWITCH}Sec-WebSocket-Accept: ${accept}\r\nx-peer: ${socket.getPeerCertificate().subject?.CN}\r\n\r\n`,
      );
      socket.pipe(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function backendPolicy(subjectAltName: string): Manifest {
  return tlsPolicy('BackendTLSPolicy', 'echo', {
    targetRef: { group: '', kind: 'Service', name: 'echo' },
    default: {
      sni: 'backend.example.com',
      ports: [{ port: 80 }],
      clientCertificateRef: { group: '', kind: 'Secret', name: 'open' },
      verify: { caCertificateRef: { group: '', kind: 'Secret', name: 'clients' }, subjectAltName },
    },
  });
}

test('TLS to a backend is verified, and the configuration may change it', async () => {
  const server = await secureBackend('backend.example.com', authority);
  const { port } = server.address() as AddressInfo;
  const config = (name: string) =>
    secureManifests(LISTENERS, { echo: [{ address: '127.0.0.1', port }] }, [...secrets, backendPolicy(name)]);
  const gateway = await start(config('backend.example.com'));
  const { client, socket } = await tlsConnect(gateway, { servername: OPEN, ca: authority.certificate });
  await client.write(upgradeHead({ host: OPEN }));
  expect((await client.readHead()).one('x-peer')).toBe(OPEN);
  expect(await tlsEchoes({ client, socket }, Buffer.alloc(100_000, 'x'))).toBe(true);

  writeFileSync(join(gateway.folder, 'config.yaml'), config('other.example.com'));
  gateway.child.kill('SIGHUP');
  await eventually(async () => expect(await ask(gateway, OPEN, OPEN)).toMatch(/^502 .*connect-tls/));
  expect(await tlsEchoes({ client, socket }, 'still there')).toBe(true);
  socket.destroy();
  await eventually(() => {
    const refused = gateway.accessLog.records().filter(({ refusal }) => refusal === 'connect-tls');
    expect(refused[0]).toMatchObject({ refusalReason: 'hostname mismatch' });
  });
  await gateway.stop();
  server.close();
});
