/** wss:// to the engine: what passes, how streams end, which certificate a client gets, what is refused. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsServerOptions } from '@sluice/dataplane/engine/tls-binding';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { Authority } from '../support/tls-authority.js';
import { tlsConnect, tlsEchoes, tlsUpgrade } from '../support/tls-client.js';
import { TlsEngine, type TlsListener } from '../support/tls-engine.js';

let folder: string;
let authority: Authority;
let backend: EchoBackend;
let engine: TlsEngine;
let listener: TlsListener;
let plain: TlsServerOptions;
const HOST = { servername: 'a.example.com' };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  authority = new Authority(folder, 'ca');
  const context = (name: string): TlsServerOptions => ({
    certificates: [authority.issue(name), authority.issue(name, { key: 'rsa' })],
    minVersion: '1.2',
    ciphers: '',
    clientCa: '',
    sessionContext: 'listener',
    alpn: ['http/1.1'],
  });
  plain = context('a.example.com');
  backend = await EchoBackend.start();
  engine = await TlsEngine.start();
  await engine.backend(backend.port);
  listener = await engine.listen([
    { pattern: 'a.example.com', context: plain },
    { pattern: '*.example.com', context: context('*.example.com') },
    { pattern: '*.b.example.com', context: { ...context('*.b.example.com'), minVersion: '1.3' } },
  ]);
});

afterAll(async () => {
  await eventually(async () => expect(await engine.stats()).toMatchObject({ active: 0, pendingBytes: 0 }));
  await engine.close();
  await backend.close();
  rmSync(folder, { recursive: true, force: true });
});

function trusting(options = {}) {
  return { ...HOST, ca: authority.certificate, ...options };
}

async function closeReason(): Promise<string> {
  const before = (await engine.log()).length;
  const records = await engine.records(before + 1);
  return records.at(-1)?.closeReason ?? '';
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (maxVersion) => {
  test('bytes pass both ways in records of any size', async () => {
    const client = await tlsUpgrade(listener, trusting({ maxVersion }));
    expect(client.socket.getProtocol()).toBe(maxVersion);
    expect(client.socket.alpnProtocol).toBe(false);
    for (let i = 0; i < 50; i++) expect(await tlsEchoes(client, `${i % 10}`)).toBe(true);
    for (const size of [16_383, 16_384, 16_385, 1 << 20]) {
      expect(await tlsEchoes(client, Buffer.alloc(size, `${size}`))).toBe(true);
    }
    client.socket.end();
    expect(await client.client.outcome()).toBe('fin');
    client.socket.destroy();
  });

  test('a half-close passes, and what is on its way arrives', async () => {
    const client = await tlsUpgrade(listener, trusting({ maxVersion }));
    const reason = closeReason();
    const sent = Buffer.alloc(300_000, 'half');
    await client.client.write(sent);
    client.socket.end();
    expect((await client.client.readToEnd()).equals(sent)).toBe(true);
    client.socket.destroy();
    expect(await reason).toBe('client-closed');
  });

  test('an end without close_notify is passed on, and the record tells it apart', async () => {
    const tcp = connectTcp({ host: listener.address, port: listener.port });
    const client = await tlsUpgrade(listener, trusting({ maxVersion, socket: tcp }));
    expect(await tlsEchoes(client, 'hello')).toBe(true);
    const reason = closeReason();
    tcp.end();
    expect(await reason).toBe('client-truncated');
    tcp.destroy();
  });

  test('a slow reader gets every byte', async () => {
    const client = await tlsUpgrade(listener, trusting({ maxVersion }));
    const sent = Buffer.alloc(8 << 20, 'slow');
    client.client.pause();
    const written = client.client.write(sent);
    await eventually(async () => expect((await engine.stats()).pendingBytes).toBeGreaterThan(0));
    client.client.resume();
    await written;
    expect((await client.client.read(sent.length)).equals(sent)).toBe(true);
    client.socket.destroy();
  });

  test('the request tells protocol, cipher and server name', async () => {
    const client = await tlsUpgrade(listener, trusting({ maxVersion }));
    const told = JSON.parse(backend.exchanges.at(-1)?.request.one('x-tls') ?? '') as Record<string, string>;
    const { name } = client.socket.getCipher();
    expect(told).toEqual({
      protocol: maxVersion,
      cipher: name,
      serverName: HOST.servername,
      alpn: '',
      certificateError: '',
      verified: false,
      subject: '',
    });
    client.socket.destroy();
  });
});

test('an RSA certificate is shown to clients that know no other', async () => {
  const only = { maxVersion: 'TLSv1.2' as const, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' };
  const client = await tlsUpgrade(listener, trusting(only));
  expect(client.socket.getPeerCertificate()).toMatchObject({ modulus: expect.any(String) });
  expect(await tlsEchoes(client, 'rsa')).toBe(true);
  client.socket.destroy();
});

test.each([
  ['a.example.com', 'a.example.com'],
  ['A.Example.COM', 'a.example.com'],
  ['a.example.com.', 'a.example.com'],
  ['x.example.com', '*.example.com'],
  ['y.x.example.com', '*.example.com'],
  ['x.b.example.com', '*.b.example.com'],
])('%s gets the certificate of %s', async (servername, expected) => {
  const client = await tlsConnect(listener, { servername, rejectUnauthorized: false });
  expect(client.socket.getPeerCertificate().subject.CN).toBe(expected);
  client.socket.destroy();
});

test('the least version is that of the chosen context', async () => {
  const options = { servername: 'x.b.example.com', rejectUnauthorized: false, maxVersion: 'TLSv1.2' as const };
  await expect(tlsConnect(listener, options)).rejects.toThrow(/protocol version/);
});

test.each([
  ['another name', { servername: 'a.example.net' }],
  ['the parent of a wildcard', { servername: 'example.com' }],
  ['no name', {}],
])('%s: the handshake is refused, and the record says why', async (_, options) => {
  const before = (await engine.log()).length;
  await expect(tlsConnect(listener, { rejectUnauthorized: false, ...options })).rejects.toThrow(/unrecognized name/);
  const record = (await engine.records(before + 1)).at(-1);
  expect(record).toMatchObject({
    by: 'listener',
    closeReason: 'tls-failed',
    tlsError: expect.stringContaining('server name'),
  });
});

// The router would take the first for the *.example.com listener's: what its own asks of clients would not count.
test.each(['.b.example.com', 'a..example.com', 'x.example.com..'])('%s is no server name', async (servername) => {
  const before = (await engine.log()).length;
  await expect(tlsConnect(listener, { rejectUnauthorized: false, servername })).rejects.toThrow(/decode error/);
  expect((await engine.records(before + 1)).at(-1)).toMatchObject({ tlsError: 'malformed server name' });
});

test('http/1.1 is agreed on, and nothing else', async () => {
  const client = await tlsConnect(listener, trusting({ ALPNProtocols: ['h2', 'http/1.1'] }));
  expect(client.socket.alpnProtocol).toBe('http/1.1');
  client.socket.destroy();
  await expect(tlsConnect(listener, trusting({ ALPNProtocols: ['h2'] }))).rejects.toThrow(/no application protocol/);
});

test('what is no TLS is refused, and the record says so', async () => {
  const before = (await engine.log()).length;
  const client = await RawClient.connect(listener);
  await client.write(upgradeHead());
  expect(await client.outcome()).toBe('fin');
  client.destroy();
  expect((await engine.records(before + 1)).at(-1)).toMatchObject({
    closeReason: 'tls-failed',
    tlsError: 'http request',
  });
});

test('a table that is exchanged is for those who come later', async () => {
  const own = await engine.listen([{ pattern: '', context: plain }]);
  const before = await tlsUpgrade(own, trusting());
  const later = { ...plain, certificates: [authority.issue('later.example.com')] };
  await engine.names(own.listener, [{ pattern: '', context: later }]);
  const after = await tlsConnect(own, { rejectUnauthorized: false });
  expect(after.socket.getPeerCertificate().subject.CN).toBe('later.example.com');
  expect(await tlsEchoes(before, 'still here')).toBe(true);
  before.socket.destroy();
  after.socket.destroy();
  await engine.names(own.listener, []);
  const bare = await RawClient.upgrade(own);
  bare.destroy();
});

test.each([
  [
    'a key of another certificate',
    () => ({ chain: authority.issue('a').chain, key: authority.issue('b').key }),
    'not the certificate’s',
  ],
  ['no certificate', () => ({ chain: 'nothing', key: authority.issue('b').key }), 'there is no certificate'],
  ['a broken key', () => ({ chain: authority.issue('a').chain, key: 'nothing' }), 'private key cannot be read'],
])('%s is an error in words', async (_, pair, words) => {
  const context = { ...plain, certificates: [pair()] };
  await expect(engine.listen([{ pattern: '', context }])).rejects.toThrow(words.replace('’', "'"));
});
