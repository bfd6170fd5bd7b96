/** Certificates in files that Secrets name: served, renewed under a live connection, refused when they do not fit, checked. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Certbot } from '../support/certbot.js';
import { sluice } from '../support/command.js';
import { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { applied, attempted } from '../support/reloading.js';
import { HOST, identity, RenewalWorld, shownName, VERIFY } from '../support/renewal-world.js';
import { Authority } from '../support/tls-authority.js';
import { type TlsClient, tlsConnect, tlsEchoes } from '../support/tls-client.js';
import { fileSecret } from '../support/tls-manifests.js';

let world: RenewalWorld;
beforeAll(async () => {
  world = await RenewalWorld.start();
});
afterAll(() => world.close());

function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

test('a renewal as certbot does it, a bad one, its repair, and another authority of clients', async () => {
  const { folder, authority } = world;
  const certbot = new Certbot(join(folder, 'letsencrypt'));
  const first = certbot.issue(world.issue('first'));
  first.turnChain();
  first.turnKey();
  const [clients, others] = [new Authority(folder, 'clients'), new Authority(folder, 'others')];
  const trusted = join(folder, 'trusted.pem');
  replace(trusted, clients.certificate);
  const secrets = [
    fileSecret('chat', { 'certificate-file': certbot.chain, 'key-file': certbot.key }),
    // From the folder of the manifest, which is beside ours.
    fileSecret('clients', { 'ca-file': join('..', relative(tmpdir(), trusted)) }),
  ];
  const config = world.manifests([...secrets, VERIFY]);
  const gateway = await Gateway.start({ config, flags: { 'port-map': '443=0' }, expectErrors: true });
  const mine = identity(clients);
  const connect = async (shown = mine): Promise<TlsClient> => {
    const connected = await tlsConnect(gateway, { servername: HOST, ca: authority.certificate, ...shown });
    await connected.client.write(upgradeHead({ host: HOST }));
    expect((await connected.client.readHead()).status).toBe(101);
    return connected;
  };
  const live = await connect();
  const showsAndTalks = async (name: string): Promise<void> => {
    const now = await connect();
    expect(shownName(now)).toBe(name);
    for (const each of [live, now]) expect(await tlsEchoes(each, `while it is ${name}`)).toBe(true);
    now.socket.destroy();
  };
  await showsAndTalks('first');

  const second = certbot.issue(world.issue('second'));
  const half = await attempted(gateway, 'refused', second.turnChain);
  expect(half.lastAttempt.issues.join('\n')).toContain(
    `${certbot.key} is not the key of the certificate in ${certbot.chain}`,
  );
  await showsAndTalks('first');
  await applied(gateway, second.turnKey);
  await showsAndTalks('second');

  const empty = await attempted(gateway, 'refused', () => replace(certbot.key, ''));
  expect(empty.lastAttempt.issues.join('\n')).toMatch(
    /config\.yaml:\d+:\d+: error: Secret test\/chat metadata\.annotations\["sluice\.dev\/key-file"\]: \S+privkey\.pem is empty/,
  );
  await showsAndTalks('second');
  const third = world.issue('third');
  await attempted(gateway, 'refused', () => replace(certbot.key, third.key));
  await applied(gateway, () => replace(certbot.chain, third.chain));
  await showsAndTalks('third');

  await applied(gateway, () => replace(trusted, others.certificate));
  (await connect(identity(others))).socket.destroy();
  await expect(connect()).rejects.toThrow();
  expect(await tlsEchoes(live, 'with a certificate that is trusted no more')).toBe(true);
  live.socket.destroy();
  await gateway.stop();
});

test('sluice check: which file, where it is named, and the condition of the listener', async () => {
  const { folder } = world;
  const { chain, key } = world.issue('checked');
  const path = join(folder, 'check.yaml');
  for (const [name, text] of Object.entries({ 'chain.pem': chain, 'key.pem': key })) replace(join(folder, name), text);
  const secret = fileSecret('chat', { 'certificate-file': 'chain.pem', 'key-file': 'key.pem' });
  writeFileSync(path, world.manifests([secret]));
  expect(await sluice(['check', '--config', path])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^0 errors, 0 warnings/m),
  });
  rmSync(join(folder, 'key.pem'));
  const { code, stdout } = await sluice(['check', '--config', path]);
  expect(code).toBe(1);
  expect(stdout).toContain(`metadata.annotations["sluice.dev/key-file"]: ${join(folder, 'key.pem')} does not exist; `);
  expect(stdout).toMatch(/ResolvedRefs +False +InvalidCertificateRef +Secret test\/chat: \S+key\.pem does not exist/);
});
