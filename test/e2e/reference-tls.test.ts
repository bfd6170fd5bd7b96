/** The scenarios with TLS of the reference product's documentation (examples/reference), and what each guide promises. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type ConnectionOptions, createServer, type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { acceptOf, head, type ReceivedHead, splitHead, upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { scenario, scenarioManifests } from '../support/reference.js';
import { withGateway } from '../support/scenario.js';
import { tlsConnect, tlsEchoes } from '../support/tls-client.js';

/** A value of a Secret of the scenario, as text. */
function secret(name: string, of: string, key: string): string {
  for (const document of parseAllDocuments(scenarioManifests(name))) {
    const { kind, metadata, data } = document.toJS() ?? {};
    if (kind === 'Secret' && metadata.name === of) return Buffer.from(data[key], 'base64').toString();
  }
  throw new Error(`scenario ${name} has no Secret ${of}`);
}

const FLAGS = { 'port-map': '80=0,443=0' };
/** The examples' certificates are their own authority's, which is in the scenarios that need it. */
const AUTHORITY = secret('frontend-mtls', 'ca.bundle', 'ca.crt');

/** One request over TLS; its answer's head. */
async function ask(
  to: Parameters<typeof tlsConnect>[0],
  options: ConnectionOptions,
  text: string,
): Promise<ReceivedHead> {
  const { client, socket } = await tlsConnect(to, { ca: AUTHORITY, ...options });
  await client.write(text);
  const answer = await client.readHead();
  socket.destroy();
  return answer;
}

test('tls-termination: wss:// to the gateway, ws:// behind it', async () => {
  const backend = await EchoBackend.start();
  await withGateway(
    { config: scenario('tls-termination', { echo: [backend] }), flags: FLAGS },
    async (gateway) => {
      const connected = await tlsConnect(gateway, { ca: AUTHORITY, servername: 'contoso.com' });
      await connected.client.write(upgradeHead({ host: 'contoso.com' }));
      expect((await connected.client.readHead()).status).toBe(101);
      expect(await tlsEchoes(connected, 'Hello world!!!')).toBe(true);
      expect(backend.exchanges[0]?.request.one('x-forwarded-proto')).toBe('https');
      connected.socket.destroy();
    },
    [backend],
  );
});

test('url-redirect: to https, and from one path to another', async () => {
  const backend = await EchoBackend.start();
  await withGateway(
    { config: scenario('url-redirect', { echo: [backend] }), flags: FLAGS },
    async (gateway) => {
      const plain = gateway.listener('http-listener');
      const get = (target: string) => head(`GET ${target} HTTP/1.1`, [['Host', 'contoso.com']]);
      const { client, answer } = await RawClient.request(plain, get('/'));
      client.destroy();
      expect([answer.status, answer.one('location')]).toEqual([301, 'https://contoso.com/']);
      const secure = gateway.listener('https-listener');
      const moved = await ask(secure, { servername: 'contoso.com' }, get('/summer-promotion'));
      expect([moved.status, moved.one('location')]).toEqual([302, 'https://contoso.com/shop/category/5']);
      const served = await ask(
        secure,
        { servername: 'contoso.com' },
        upgradeHead({ host: 'contoso.com', target: '/' }),
      );
      expect(served.status).toBe(101);
    },
    [backend],
  );
});

test('frontend-mtls: without a certificate an alert, with the right one the backend', async () => {
  const backend = await EchoBackend.start();
  await withGateway(
    { config: scenario('frontend-mtls', { echo: [backend] }), flags: FLAGS },
    async (gateway) => {
      await expect(ask(gateway, { servername: 'contoso.com' }, upgradeHead())).rejects.toThrow();
      expect(backend.accepted).toBe(0);
      const shown = {
        servername: 'contoso.com',
        cert: secret('frontend-mtls', 'client', 'tls.crt'),
        key: secret('frontend-mtls', 'client', 'tls.key'),
      };
      expect((await ask(gateway, shown, upgradeHead())).status).toBe(101);
    },
    [backend],
  );
});

test('backend-mtls: the backend is verified, and is shown the gateway’s certificate', async () => {
  const seen: string[] = [];
  const server = createServer(
    {
      cert: secret('backend-mtls', 'backend.com', 'tls.crt'),
      key: secret('backend-mtls', 'backend.com', 'tls.key'),
      ca: secret('backend-mtls', 'ca.bundle', 'ca.crt'),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket: TLSSocket) => {
      seen.push(`${socket.servername} ${socket.getPeerCertificate().subject.CN}`);
      socket.on('error', () => socket.destroy());
      socket.once('data', (bytes) => {
        const key = splitHead(bytes)?.head.one('sec-websocket-key') ?? '';
        const fields = [
          ['Upgrade', 'websocket'],
          ['Connection', 'Upgrade'],
          ['Sec-WebSocket-Accept', acceptOf(key)],
        ] as const;
        socket.write(head('HTTP/1.1 101 Switching Protocols', fields));
        socket.pipe(socket);
      });
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const closable = { close: () => new Promise<void>((resolve) => server.close(() => resolve())) };
  await withGateway(
    { config: scenario('backend-mtls', { 'mtls-app': [address] }), flags: FLAGS },
    async (gateway) => {
      await eventually(async () => {
        const connected = await tlsConnect(gateway, {
          ca: AUTHORITY,
          servername: 'frontend.com',
          checkServerIdentity: () => undefined,
        });
        await connected.client.write(upgradeHead({ host: 'frontend.com' }));
        expect((await connected.client.readHead()).status).toBe(101);
        expect(await tlsEchoes(connected, 'over TLS on both sides')).toBe(true);
        connected.socket.destroy();
      });
      expect(seen.at(-1)).toBe('backend.com gateway-client-cert');
    },
    [closable],
  );
});
