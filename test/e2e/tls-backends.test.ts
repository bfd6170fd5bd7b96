/** TLS to backends: verified by authority, name and date; certificates of ours; both sides; ends that are cut. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server, TLSSocket, type TlsOptions } from 'node:tls';
import type { TlsClientOptions } from '@sluice/dataplane/engine/tls-binding';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { Authority } from '../support/tls-authority.js';
import { tlsEchoes, tlsUpgrade } from '../support/tls-client.js';
import { TlsEngine, type TlsListener } from '../support/tls-engine.js';

const NAME = 'backend.example.com';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

let folder: string;
let authority: Authority;
let strangers: Authority;
let engine: TlsEngine;
let listener: TlsListener;
const servers: Server[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  authority = new Authority(folder, 'ca');
  strangers = new Authority(folder, 'strangers');
  engine = await TlsEngine.start();
  listener = await engine.listen([]);
});

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

afterAll(async () => {
  await eventually(async () => expect(await engine.stats()).toMatchObject({ active: 0, pendingBytes: 0 }));
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A backend that does `then` with a connection whose head has come; without it: switches and echoes. */
async function serve(options: TlsOptions, then?: (socket: TLSSocket) => void): Promise<number> {
  const echo = (socket: TLSSocket) => {
    socket.write(SWITCH);
    socket.pipe(socket);
  };
  const halfOpen = { allowHalfOpen: true };
  const server = createServer({ ...halfOpen, ...options }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => (then ?? echo)(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

function shown(by: Authority, name = NAME, more = {}): TlsOptions {
  const { chain, key } = by.issue(name, more);
  return { cert: chain, key };
}

function trusting(changes: Partial<TlsClientOptions> = {}): TlsClientOptions {
  const ca = authority.certificate;
  return { verify: true, ca, serverName: NAME, names: [NAME], certificate: null, minVersion: '1.2', ...changes };
}

async function refusal(): Promise<string> {
  const { client, answer } = await RawClient.request(listener, upgradeHead());
  const body = answer.status === 101 ? '' : (await client.readToEnd()).toString();
  client.destroy();
  return `${answer.status} ${body}`;
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s: bytes pass both ways', async (maxVersion) => {
  const names: unknown[] = [];
  const port = await serve({ ...shown(authority), maxVersion });
  servers.at(-1)?.on('secureConnection', (socket) => names.push(socket.servername));
  await engine.backend(port, trusting());
  const client = await RawClient.upgrade(listener);
  const sent = Buffer.alloc(1 << 20, 'up');
  const written = client.write(sent);
  expect((await client.read(sent.length)).equals(sent)).toBe(true);
  await written;
  client.end();
  expect(await client.readToEnd()).toHaveLength(0);
  client.destroy();
  expect(names).toEqual([NAME]);
});

test('TLS on both sides', async () => {
  const port = await serve(shown(authority));
  await engine.backend(port, trusting());
  const context = { certificates: [authority.issue('a')], minVersion: '1.2', ciphers: '', clientCa: '' } as const;
  const secure = await engine.listen([{ pattern: '', context: { ...context, sessionContext: 'a', alpn: [] } }]);
  const client = await tlsUpgrade(secure, { rejectUnauthorized: false });
  for (const size of [1, 16_384, 1 << 20]) expect(await tlsEchoes(client, Buffer.alloc(size, 'x'))).toBe(true);
  client.socket.end();
  expect(await client.client.outcome()).toBe('fin');
  client.socket.destroy();
});

test.each([
  ['another authority', () => shown(strangers), 'unable to get local issuer certificate'],
  ['another name', () => shown(authority, 'other.example.com'), 'hostname mismatch'],
  ['the name in its subject alone', () => shown(authority, NAME, { names: ['DNS:x.test'] }), 'hostname mismatch'],
  ['a certificate that has expired', () => shown(authority, NAME, { days: -1 }), 'certificate has expired'],
  [
    'a wildcard where an address is wanted',
    () => shown(authority, NAME, { names: ['DNS:*.0.0.1'] }),
    'hostname mismatch',
    ['127.0.0.1'],
  ],
  [
    'no shared version',
    () => ({ ...shown(authority), maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }),
    'protocol version',
  ],
] as [string, () => TlsOptions, string, string[]?][])(
  'a backend with %s gets no byte of the request',
  async (_, options, why, names = [NAME]) => {
    let asked = 0;
    const port = await serve(options(), () => {
      asked += 1;
    });
    await engine.backend(port, trusting({ names }));
    const answer = await refusal();
    expect(answer).toMatch(/^502 stage 1, code 7: /);
    expect(answer).toContain(why);
    expect(asked).toBe(0);
  },
);

test.each([
  ['an address', 'IP:127.0.0.1', '127.0.0.1'],
  ['a URI', 'URI:spiffe://example.com/backend', 'spiffe://example.com/backend'],
  ['a wildcard', 'DNS:*.example.com', NAME],
  ['one of several', `DNS:${NAME}`, `nothing.example.com,${NAME}`],
])('%s of the certificate is what is verified', async (_, held, wanted) => {
  await engine.backend(await serve(shown(authority, 'x', { names: [held] })), trusting({ names: wanted.split(',') }));
  expect(await refusal()).toMatch(/^101/);
});

test('a backend that asks for a certificate gets ours', async () => {
  const subjects: unknown[] = [];
  const options = { ...shown(authority), requestCert: true, rejectUnauthorized: true, ca: authority.certificate };
  const port = await serve(options, (socket) => {
    subjects.push(socket.getPeerCertificate().subject.CN);
    socket.write(SWITCH);
    socket.pipe(socket);
  });
  await engine.backend(port, trusting({ certificate: authority.issue('gateway') }));
  expect(await refusal()).toMatch(/^101/);
  expect(subjects).toEqual(['gateway']);
  await engine.backend(port, trusting());
  expect(await refusal()).toMatch(/^502 /);
});

test('a backend that speaks no TLS', async () => {
  const bare = createTcpServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  bare.listen(0, '127.0.0.1');
  await once(bare, 'listening');
  await engine.backend((bare.address() as AddressInfo).port, trusting());
  expect(await refusal()).toMatch(/^502 stage 1, code 7: wrong version number/);
  bare.close();
});

/** A backend that answers and whose TCP stream then ends without close_notify. */
async function serveCut(
  answer: string,
  then: (socket: Socket) => unknown = (socket) => socket.end(),
): Promise<TcpServer> {
  const { cert, key } = shown(authority);
  const server = createTcpServer((socket) => {
    const secure = new TLSSocket(socket, { isServer: true, cert, key });
    secure.on('error', () => undefined);
    secure.once('data', () => secure.write(answer, () => then(socket)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

test('an answer until the end of the stream that is cut does not look whole', async () => {
  const whole = await serve(shown(authority), (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nwhole'));
  await engine.backend(whole, trusting());
  const { client } = await RawClient.request(listener, upgradeHead());
  expect((await client.readToEnd()).toString()).toBe('whole');
  client.destroy();

  const before = (await engine.log()).length;
  const sockets: Socket[] = [];
  const cut = await serveCut('HTTP/1.1 200 OK\r\n\r\ncut', (socket) => sockets.push(socket));
  await engine.backend((cut.address() as AddressInfo).port, trusting());
  const { client: other } = await RawClient.request(listener, upgradeHead());
  // Node takes a reset that it finds together with bytes for an end in order: they are read before.
  expect((await other.read(3)).toString()).toBe('cut');
  for (const socket of sockets) socket.end();
  expect(await other.outcome()).toBe('reset');
  expect((await engine.records(before + 1)).at(-1)).toMatchObject({ closeReason: 'relay-truncated' });
  other.destroy();
  cut.close();
});

test('a stream that the backend cuts is told apart in the record', async () => {
  const before = (await engine.log()).length;
  const cut = await serveCut(SWITCH);
  await engine.backend((cut.address() as AddressInfo).port, trusting());
  const client = await RawClient.upgrade(listener);
  expect(await client.outcome()).toBe('fin');
  client.end();
  expect((await engine.records(before + 1)).at(-1)).toMatchObject({ closeReason: 'backend-truncated' });
  client.destroy();
  cut.close();
});

test('a context without a name, or without authorities, is an error in words', async () => {
  await expect(engine.backend(1, trusting({ names: [] }))).rejects.toThrow(/needs a name to verify/);
  await expect(engine.backend(1, trusting({ ca: '' }))).rejects.toThrow(/there is no certificate/);
});
