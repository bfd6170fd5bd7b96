/** `openssl s_client` against HTTPS listeners: versions, server names, ALPN, resumption, renegotiation, client certificates. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Certificates } from '../support/certificates.js';
import { HttpBackend } from '../support/http-backend.js';
import type { Manifest } from '../support/manifests.js';
import { sharedGateway } from '../support/scenario.js';
import { authoritySecret, tlsPolicy, tlsSecret } from '../support/tls-manifests.js';
import { runTool } from '../support/tool.js';

const OTHER = 'other.example.com';
const VERIFIED = 'verified.localhost';

function policies(certificates: Certificates): Manifest[] {
  const targetRef = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge', sectionNames: ['verified'] };
  const verify = { caCertificateRef: { group: '', kind: 'Secret', name: 'clients' } };
  return [
    certificates.secret,
    tlsSecret('other', certificates.authority.issue(OTHER, { key: 'rsa' })),
    authoritySecret('clients', certificates.ca),
    tlsPolicy('FrontendTLSPolicy', 'clients', { targetRef, default: { verify } }),
  ];
}

const running = sharedGateway(
  async () => ({ backend: await HttpBackend.start(), certificates: Certificates.make() }),
  ({ backend, certificates }) => ({
    config: {
      listeners: [
        { name: 'local', port: 443, hostname: 'localhost', secrets: ['local'] },
        { name: 'other', port: 443, hostname: OTHER, secrets: ['other'] },
        { name: 'verified', port: 443, hostname: VERIFIED, secrets: ['local'] },
      ],
      services: { http: [backend] },
      more: policies(certificates),
    },
  }),
);

const REQUEST = 'GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

/** What it printed, all of it. `input` goes to the server; it waits for the server's end when `-ign_eof` is among `options`. */
async function client(options: readonly string[], input = REQUEST): Promise<string> {
  const { gateway, backends } = running();
  const to = ['-connect', `127.0.0.1:${gateway.port}`, '-CAfile', backends.certificates.caFile];
  const { stdout, stderr } = await runTool('openssl', ['s_client', ...to, ...options], input);
  backends.backend.closeIdle();
  return stdout + stderr;
}
const named = (name = 'localhost') => ['-servername', name, '-verify_return_error', '-ign_eof'];

describe.each(['-tls1_2', '-tls1_3'])('%s', (version) => {
  const protocol = version === '-tls1_2' ? 'TLSv1.2' : 'TLSv1.3';

  test('a request is answered, the chain verified', async () => {
    const said = await client([version, ...named()]);
    expect(said).toContain('Verify return code: 0 (ok)');
    expect(said).toMatch(new RegExp(`New, ${protocol}, Cipher is \\S*(AES|CHACHA)`));
    expect(said).toContain('HTTP/1.1 200');
  });

  test.each([
    ['localhost', 'CN = localhost'],
    [OTHER, `CN = ${OTHER}`],
  ])('server name %s: its own certificate', async (name, subject) => {
    expect(await client([version, ...named(name)])).toContain(subject);
  });

  test('a server name that nobody has', async () => {
    expect(await client([version, ...named('nobody.example.com')])).toMatch(/unrecognized name/);
  });

  test.each([
    ['h2,http/1.1', 'ALPN protocol: h2'],
    ['http/1.1', 'ALPN protocol: http/1.1'],
    ['http/1.0,http/1.1', 'ALPN protocol: http/1.1'],
    ['other', 'alert no application protocol'],
  ])('ALPN %s', async (offered, answer) => {
    // Without -ign_eof it ends with its input: after h2 the server would wait for a preface.
    const said = await client([version, '-servername', 'localhost', '-alpn', offered], '');
    expect(said).toContain(answer);
  });

  test('a session is resumed, whichever worker it meets, and not with another server name', async () => {
    const file = join(running().backends.certificates.folder, `session${version}`);
    expect(await client([version, ...named(), '-sess_out', file])).toContain('New, ');
    for (let n = 0; n < 4; n++) {
      expect(await client([version, ...named(), '-sess_in', file, '-sess_out', file])).toContain(`Reused, ${protocol}`);
    }
    expect(await client([version, ...named(OTHER), '-sess_in', file])).not.toContain('Reused, ');
  });

  test('a client certificate is asked for, verified, and its absence told', async () => {
    const { cert, key } = running().backends.certificates.clientFiles(`client${version}`);
    const request = REQUEST.replace('localhost', VERIFIED);
    const shown = await client([version, ...named(VERIFIED), '-cert', cert, '-key', key], request);
    expect(shown).toContain('HTTP/1.1 200');
    const none = await client([version, ...named(VERIFIED)], request);
    expect(none).toMatch(version === '-tls1_2' ? /alert handshake failure/ : /alert certificate required/);
    expect(none).not.toContain('HTTP/1.1');
  });
});

test('TLS 1.1 is not spoken', async () => {
  const said = await client(['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0', ...named()]);
  expect(said).toMatch(/alert protocol version/);
});

test('a renegotiation is refused', async () => {
  // What it reads at once and begins with R is a command, without -ign_eof.
  const said = await client(['-tls1_2', '-servername', 'localhost'], 'R\n');
  expect(said).toMatch(/RENEGOTIATING\n.*no renegotiation/);
});
