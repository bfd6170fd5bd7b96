/** Certificates and client authorities that a reload replaces: live connections, new ones, and sessions from before. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { HOST, identity, RenewalWorld, shownName, VERIFY } from '../support/renewal-world.js';
import { Authority } from '../support/tls-authority.js';
import { type TlsClient, tlsConnect, tlsEchoes } from '../support/tls-client.js';
import { authoritySecret, tlsSecret } from '../support/tls-manifests.js';

let world: RenewalWorld;
beforeAll(async () => {
  world = await RenewalWorld.start();
});
afterAll(() => world.close());

function config(server: string, clients: Authority): string {
  const secrets = [tlsSecret('chat', world.issue(server)), authoritySecret('clients', clients.certificate)];
  return world.manifests([...secrets, VERIFY]);
}

function reload(gateway: Gateway, to: string): void {
  writeFileSync(join(gateway.folder, 'config.yaml'), to);
  gateway.child.kill('SIGHUP');
}

function connect(gateway: Gateway, options: ConnectionOptions): Promise<TlsClient> {
  return tlsConnect(gateway, { servername: HOST, ca: world.authority.certificate, ...options });
}

/** Completes a WebSocket handshake; throws when the connection or the answer is no good. */
async function upgrade(connected: Promise<TlsClient>): Promise<TlsClient> {
  const client = await connected;
  await client.client.write(upgradeHead({ host: HOST }));
  const { status } = await client.client.readHead();
  if (status !== 101) throw new Error(`answered with ${status}`);
  return client;
}

/** Status of the answer to a plain request, which leaves the connection open. */
async function asked({ client }: TlsClient): Promise<number> {
  await client.write(`GET /?fault=answer&status=204&body=none HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  return (await client.readHead()).status;
}

async function newCertificate(gateway: Gateway, options: ConnectionOptions, name: string): Promise<void> {
  await eventually(async () => {
    const client = await connect(gateway, options);
    const now = shownName(client);
    client.socket.destroy();
    expect(now).toBe(name);
  });
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  '%s: a certificate is renewed, an authority of clients replaced',
  async (maxVersion) => {
    const { folder } = world;
    const [clients, others] = [new Authority(folder, 'clients'), new Authority(folder, 'others')];
    const mine = { maxVersion, ...identity(clients) };
    const another = { maxVersion, ...identity(others) };
    const gateway = await Gateway.start({ config: config('first', clients), flags: { 'port-map': '443=0' } });
    const connecting = connect(gateway, mine);
    let session: Buffer | undefined;
    (await connecting).socket.on('session', (given) => {
      session = given;
    });
    const live = await upgrade(connecting);
    expect(shownName(live)).toBe('first');
    session ??= live.socket.getSession(); // of TLS 1.2: it came with the handshake
    expect(session).toBeDefined();

    reload(gateway, config('renewed', clients));
    await newCertificate(gateway, mine, 'renewed');
    expect(await tlsEchoes(live, 'before the renewal')).toBe(true);
    const resumed = await upgrade(connect(gateway, { ...mine, session }));
    expect(resumed.socket.isSessionReused()).toBe(true);
    expect(await tlsEchoes(resumed, 'with a session from before')).toBe(true);

    const kept = await connect(gateway, mine);
    expect(await asked(kept)).toBe(204);
    reload(gateway, config('others', others));
    await newCertificate(gateway, another, 'others');
    for (const each of [live, resumed]) expect(await tlsEchoes(each, 'spliced before')).toBe(true);
    expect(await asked(kept)).toBe(421); // its client was verified by an authority that counts no more
    const refused = await connect(gateway, { ...mine, session });
    expect(refused.socket.isSessionReused()).toBe(false);
    await expect(upgrade(Promise.resolve(refused))).rejects.toThrow('answered with 400');
    (await upgrade(connect(gateway, another))).socket.destroy();
    for (const each of [live, resumed, kept, refused]) each.socket.destroy();
    await gateway.stop();
  },
);
