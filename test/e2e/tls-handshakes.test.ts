/** TLS handshakes that are slow, silent, broken off or many; sessions over listeners and keys; renegotiation. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { TICKET_KEY_BYTES, type TlsServerOptions } from '@sluice/dataplane/engine/tls-binding';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { Authority } from '../support/tls-authority.js';
import { tlsConnect, tlsEchoes, tlsUpgrade } from '../support/tls-client.js';
import { TlsEngine, type TlsListener } from '../support/tls-engine.js';

const TIMEOUT_MS = 600;
const HELLO = Buffer.from('16030100', 'hex');

let folder: string;
let context: TlsServerOptions;
let backend: EchoBackend;
let engine: TlsEngine;
let listener: TlsListener;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  const certificates = [new Authority(folder, 'ca').issue('a.example.com')];
  context = {
    certificates,
    minVersion: '1.2',
    ciphers: '',
    clientCa: '',
    sessionContext: 'listener',
    alpn: ['http/1.1'],
  };
  backend = await EchoBackend.start();
});

beforeEach(async () => {
  engine = await TlsEngine.start({ requestHeadTimeoutMs: TIMEOUT_MS });
  await engine.backend(backend.port);
  listener = await engine.listen([{ pattern: '', context }]);
});

afterEach(async () => {
  await eventually(async () => expect(await engine.stats()).toMatchObject({ active: 0, pendingBytes: 0 }));
  await engine.close();
});

afterAll(async () => {
  await backend.close();
  rmSync(folder, { recursive: true, force: true });
});

test.each([
  ['says nothing', ''],
  ['stops inside its first record', HELLO],
])('a client that %s costs one bounded time', async (_, bytes) => {
  const started = performance.now();
  const client = await RawClient.connect(listener);
  if (bytes.length > 0) await client.write(bytes);
  expect(await client.outcome()).toBe('fin');
  expect(performance.now() - started).toBeGreaterThan(TIMEOUT_MS * 0.9);
  client.destroy();
  expect(await engine.records(1)).toMatchObject([{ by: 'listener', closeReason: 'request-timeout' }]);
});

test('handshake and head have one time together, whatever is drip-fed', async () => {
  const client = await tlsConnect(listener, { rejectUnauthorized: false });
  const started = performance.now();
  const drip = setInterval(() => client.socket.write('X'), 20);
  const head = await client.client.readHead().catch(() => undefined);
  clearInterval(drip);
  expect(performance.now() - started).toBeLessThan(TIMEOUT_MS * 5);
  expect(head?.status ?? 502).toBe(502); // this driver's answer to every failure
  client.socket.destroy();
});

test('clients that leave in the middle of their handshakes leave nothing behind', async () => {
  for (let round = 0; round < 20; round++) {
    const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(listener)));
    await Promise.all(clients.map((client, index) => client.write(index % 2 === 0 ? HELLO : randomBytes(100))));
    for (const [index, client] of clients.entries()) index % 3 === 0 ? client.reset() : client.destroy();
  }
  const records = await engine.records(100);
  const reasons = new Set(records.map(({ closeReason }) => closeReason));
  for (const reason of reasons) expect(['tls-failed', 'client-aborted']).toContain(reason);
});

async function resumable(to: TlsListener): Promise<Buffer> {
  const client = await tlsUpgrade(to, { rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  const session = client.socket.getSession();
  client.socket.destroy();
  if (session === undefined) throw new Error('no session');
  return session;
}

async function isReused(to: TlsListener, session: Buffer): Promise<boolean> {
  const options: ConnectionOptions = { rejectUnauthorized: false, maxVersion: 'TLSv1.2', session };
  const client = await tlsUpgrade(to, options);
  const reused = client.socket.isSessionReused();
  client.socket.destroy();
  return reused;
}

test('tickets outlive one rotation of their keys, not two, and open in another process with the same keys', async () => {
  const [first, second, third] = Array.from({ length: 3 }, () => randomBytes(TICKET_KEY_BYTES)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  await engine.keys(first);
  const session = await resumable(listener);
  expect(await isReused(listener, session)).toBe(true);
  const twin = await TlsEngine.start();
  await twin.backend(backend.port);
  await twin.keys(first);
  const elsewhere = await twin.listen([{ pattern: '', context }]);
  expect(await isReused(elsewhere, session)).toBe(true);
  await twin.close();
  await engine.keys(second, first);
  expect(await isReused(listener, session)).toBe(true);
  await engine.keys(third, second);
  expect(await isReused(listener, session)).toBe(false);
  expect(await engine.stats()).toMatchObject({ tlsResumed: 2 });
  await expect(engine.keys(Buffer.alloc(79))).rejects.toThrow(/keys of 80 bytes/);
});

/** TLS 1.3 gives its ticket behind the handshake; one that was used once is worth nothing to a browser. */
test('a session that was resumed gets a ticket for the next time', async () => {
  const options: ConnectionOptions = { rejectUnauthorized: false, minVersion: 'TLSv1.3' };
  let session: Buffer | undefined;
  for (const expected of [false, true, true]) {
    const client = await tlsConnect(listener, session === undefined ? options : { ...options, session });
    const given = once(client.socket, 'session') as Promise<[Buffer]>;
    expect(client.socket.isSessionReused()).toBe(expected);
    client.socket.write(`${upgradeHead()}x`);
    [session] = await given;
    client.socket.destroy();
  }
  expect(await engine.stats()).toMatchObject({ tlsAccepted: 3, tlsResumed: 2 });
});

/** `openssl s_client` with a running account of what it says. */
function sClient(...options: readonly string[]) {
  const to = `${listener.address}:${listener.port}`;
  const child = spawn('openssl', ['s_client', '-connect', to, ...options], { stdio: 'pipe' });
  const said = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said.text += chunk.toString();
    });
  }
  return { child, said };
}

test('renegotiation is refused', async () => {
  const { child, said } = sClient('-tls1_2', '-legacy_renegotiation');
  await eventually(() => expect(said.text).toContain('Verify return code'));
  child.stdin.write('R\n');
  await once(child, 'exit');
  expect(said.text).toContain('no renegotiation');
});

test.each(['-tls1_2', '-tls1_3'])('openssl s_client %s comes through', async (version) => {
  const { child, said } = sClient(version, '-quiet');
  child.stdin.write(`${upgradeHead()}hello`);
  await eventually(() => expect(said.text).toMatch(/101 Switching Protocols.*hello/s));
  child.kill();
  await once(child, 'exit');
});

test('ws over wss, with messages of many frames', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
  await engine.backend((server.address() as { port: number }).port);
  const socket = new WebSocket(`wss://127.0.0.1:${listener.port}/`, { rejectUnauthorized: false });
  await once(socket, 'open');
  for (const size of [0, 1, 125, 65_536, 1 << 20]) {
    const sent = randomBytes(size);
    const echoed = once(socket, 'message') as Promise<[Buffer]>;
    socket.send(sent);
    expect((await echoed)[0].equals(sent)).toBe(true);
  }
  const closed = once(socket, 'close') as Promise<[number]>;
  socket.close(1000);
  expect((await closed)[0]).toBe(1000);
  server.close();
});

test('a storm of handshakes leaves a spliced connection its turn', async () => {
  const quiet = await tlsUpgrade(listener, { rejectUnauthorized: false });
  let storming = true;
  const storm = async () => {
    while (storming) {
      const batch = Array.from({ length: 8 }, () => tlsConnect(listener, { rejectUnauthorized: false }));
      for (const { socket } of await Promise.all(batch)) (socket as TLSSocket).destroy();
    }
  };
  const storms = [storm(), storm()];
  const { tlsAccepted: before } = await engine.stats();
  for (let i = 0; i < 100; i++) expect(await tlsEchoes(quiet, `${i % 10}`)).toBe(true);
  const { tlsAccepted: during } = await engine.stats();
  storming = false;
  await Promise.all(storms);
  expect(during - before).toBeGreaterThan(20);
  quiet.socket.destroy();
});
