/** Client certificates: required, verified, and not to be had around by another name or another listener's session. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import type { TlsServerOptions } from '@sluice/dataplane/engine/tls-binding';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { upgradeHead } from '../support/heads.js';
import { Authority } from '../support/tls-authority.js';
import { type TlsClient, tlsConnect, tlsEchoes, tlsUpgrade } from '../support/tls-client.js';
import { TlsEngine, type TlsListener } from '../support/tls-engine.js';

const OPEN = 'open.example.com';
const SECURE = 'secure.example.com';

let folder: string;
let backend: EchoBackend;
let engine: TlsEngine;
let both: TlsListener;
let other: TlsListener;
let certificates: Record<'good' | 'stranger' | 'expired', ConnectionOptions>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  const [authority, strangers] = [new Authority(folder, 'ca'), new Authority(folder, 'strangers')];
  const shown = (by: Authority, days = 2) => {
    const { chain, key } = by.issue('client', { days });
    return { cert: chain, key };
  };
  certificates = { good: shown(authority), stranger: shown(strangers), expired: shown(authority, -1) };
  const context = (name: string, clientCa: string, sessionContext: string): TlsServerOptions => ({
    certificates: [authority.issue(name)],
    minVersion: '1.2',
    ciphers: '',
    clientCa,
    sessionContext,
    alpn: ['http/1.1'],
  });
  backend = await EchoBackend.start();
  engine = await TlsEngine.start();
  await engine.backend(backend.port);
  both = await engine.listen([
    { pattern: OPEN, context: context(OPEN, '', 'gateway/both') },
    { pattern: SECURE, context: context(SECURE, authority.certificate, 'gateway/both') },
  ]);
  other = await engine.listen([{ pattern: SECURE, context: context(SECURE, '', 'gateway/other') }]);
});

afterAll(async () => {
  await eventually(async () => expect(await engine.stats()).toMatchObject({ active: 0 }));
  await engine.close();
  await backend.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Answer to a handshake: its status and body. */
async function answered({ client, socket }: TlsClient): Promise<string> {
  await client.write(upgradeHead());
  const { status } = await client.readHead();
  if (status === 101) {
    socket.destroy();
    return '101';
  }
  const body = (await client.readToEnd()).toString();
  socket.destroy();
  return `${status} ${body}`;
}

/** A session that can be resumed (TLS 1.3 gives it behind the handshake); undefined when none was given. */
async function sessionOf(to: TlsListener, options: ConnectionOptions): Promise<Buffer | undefined> {
  const client = await tlsConnect(to, { rejectUnauthorized: false, ...options });
  let session = client.socket.getProtocol() === 'TLSv1.2' ? client.socket.getSession() : undefined;
  client.socket.on('session', (given) => {
    session = given;
  });
  await client.client.write(upgradeHead());
  await client.client.readHead();
  client.socket.end();
  await client.client.outcome();
  client.socket.destroy();
  return session;
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (maxVersion) => {
  const to = (servername: string, more: ConnectionOptions = {}) => ({
    servername,
    maxVersion,
    rejectUnauthorized: false,
    ...more,
  });

  test('a good one is taken, and its subject told', async () => {
    const client = await tlsUpgrade(both, to(SECURE, certificates.good));
    const told = JSON.parse(backend.exchanges.at(-1)?.request.one('x-tls') ?? '') as Record<string, string>;
    expect(told).toMatchObject({ subject: 'CN=client,O=Sluice', certificateError: '', serverName: SECURE });
    expect(await tlsEchoes(client, 'verified')).toBe(true);
    client.socket.destroy();
  });

  test('without one the handshake fails, and the record says why', async () => {
    const before = (await engine.log()).length;
    const refused = async () => {
      const client = await tlsConnect(both, to(SECURE)); // TLS 1.3: the client is done before it is refused
      const [error] = (await once(client.socket, 'error')) as [Error];
      throw error;
    };
    await expect(refused()).rejects.toThrow(maxVersion === 'TLSv1.3' ? /certificate required/ : /handshake failure/);
    await eventually(async () => {
      const refusals = (await engine.log()).slice(before).filter(({ closeReason }) => closeReason === 'tls-failed');
      expect(refusals).toMatchObject([{ tlsError: 'peer did not return a certificate' }]);
    });
  });

  test.each([
    ['of another authority', 'stranger', 'unable to get local issuer certificate'],
    ['that has expired', 'expired', 'certificate has expired'],
  ] as const)('one %s is answered with the reason, and no backend is dialled', async (_, which, reason) => {
    const before = backend.accepted;
    expect(await answered(await tlsConnect(both, to(SECURE, certificates[which])))).toBe(`400 ${reason}`);
    expect(backend.accepted).toBe(before);
  });

  test('a session is resumed with its verdict, and asked for no certificate again', async () => {
    const session = await sessionOf(both, to(SECURE, certificates.good));
    expect(session).toBeDefined();
    const again = await tlsUpgrade(both, to(SECURE, { session }));
    expect(again.socket.isSessionReused()).toBe(true);
    again.socket.destroy();
  });

  test('who came back by a session gets no other: the certificate is asked for again in time', async () => {
    const session = await sessionOf(both, to(SECURE, certificates.good));
    const again = await sessionOf(both, to(SECURE, { session }));
    expect(again === undefined || again.equals(session ?? Buffer.alloc(0))).toBe(true);
  });

  test('who was refused gets nothing to come back with', async () => {
    const options = to(SECURE, certificates.stranger);
    const session = await sessionOf(both, options);
    const again = await tlsConnect(both, { ...options, session });
    expect(again.socket.isSessionReused()).toBe(false);
    expect(await answered(again)).toContain('400');
  });

  test.each([
    ['of another name', () => both, OPEN],
    ['of another listener', () => other, SECURE],
  ])('a session %s, which asked for none, is not resumed', async (_, from, name) => {
    const session = await sessionOf(from(), to(name));
    expect(session).toBeDefined();
    const { tlsRefused, tlsResumed } = await engine.stats();
    const again = tlsConnect(both, to(SECURE, { session })).then(async ({ socket }) => {
      expect(socket.isSessionReused()).toBe(false);
      await once(socket, 'close');
    });
    await again.catch(() => undefined);
    expect(await engine.stats()).toMatchObject({ tlsRefused: tlsRefused + 1, tlsResumed });
  });

  test('a name that asks for none does not let a request pass as verified', async () => {
    expect(await answered(await tlsConnect(both, to(OPEN, certificates.stranger)))).toBe('101');
    const told = JSON.parse(backend.exchanges.at(-1)?.request.one('x-tls') ?? '') as Record<string, string>;
    expect(told).toMatchObject({ serverName: OPEN, subject: '', certificateError: '' });
  });
});
