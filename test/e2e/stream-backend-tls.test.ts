/** Plain requests to backends over TLS: whom they trust, by which name, what they show; and what a reload changes. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { refusingAddress } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { Gateway } from '../support/gateway.js';
import { acceptOf, upgradeHead } from '../support/heads.js';
import { HttpBackend } from '../support/http-backend.js';
import { type Manifest, manifests } from '../support/manifests.js';
import { type Address, RawClient } from '../support/raw-client.js';
import { applied, replaceConfig } from '../support/reloading.js';
import { Authority } from '../support/tls-authority.js';
import { authoritySecret, tlsPolicy, tlsSecret } from '../support/tls-manifests.js';

const NAME = 'backend.example.com';
const secretRef = (name: string) => ({ group: '', kind: 'Secret', name });

interface World {
  readonly folder: string;
  readonly authority: Authority;
  readonly secrets: readonly Manifest[];
  readonly backends: Readonly<Record<string, HttpBackend>>;
  readonly others: Readonly<Record<string, Address>>;
}
let world: World;
let gateway: Gateway;
const closing: (() => unknown)[] = [];

/** A server that takes connections and says nothing. */
async function silent(): Promise<Address> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

/** A backend over TLS that also switches to WebSocket and says what it was told of its client. */
async function secure(by: Authority, more = {}, issue = {}): Promise<HttpBackend> {
  const { chain, key } = by.issue(NAME, issue);
  const backend = await HttpBackend.start({ cert: chain, key, ALPNProtocols: ['h2', 'http/1.1'], ...more });
  backend.server.prependListener('request', ({ socket }, response) => {
    const { servername, alpnProtocol } = socket as TLSSocket;
    const subject = (socket as TLSSocket).getPeerCertificate().subject?.CN ?? 'nobody';
    response.setHeader('x-tls', `${servername || 'no name'}, ${alpnProtocol}, ${subject}`);
  });
  backend.server.on('upgrade', (request, socket) => {
    const accept = acceptOf(request.headers['sec-websocket-key'] ?? '');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  closing.push(() => backend.close());
  return backend;
}

/** `spec.default` of the reference's policy for a Service. */
function agc(service: string, spec: Manifest): Manifest {
  return tlsPolicy('BackendTLSPolicy', service, {
    targetRef: { group: '', kind: 'Service', name: service },
    default: spec,
  });
}

function standard(service: string, validation: Manifest): Manifest {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'BackendTLSPolicy',
    metadata: { name: service, namespace: 'test' },
    spec: { targetRefs: [{ group: '', kind: 'Service', name: service }], validation },
  };
}

const verify = (subjectAltName = NAME, authority = 'ca') => ({
  verify: { caCertificateRef: secretRef(authority), subjectAltName },
});
const ours = { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }] };
const system = { wellKnownCACertificates: 'System', hostname: NAME };

const POLICIES: Readonly<Record<string, Manifest>> = {
  good: { sni: NAME, ...verify() },
  unnamed: verify(),
  'wrong-name': { sni: NAME, ...verify('other.example.com') },
  'wrong-authority': { sni: NAME, ...verify(NAME, 'strangers') },
  leaf: { sni: NAME, ...verify(NAME, 'leaf') },
  expired: verify(),
  unverified: { sni: NAME },
  shown: { ...verify(), clientCertificateRef: secretRef('client') },
  unshown: verify(),
  bare: verify(),
  dead: verify(),
  silent: verify(),
};
const STANDARD: Readonly<Record<string, Manifest>> = {
  standard: { hostname: NAME, ...ours },
  uri: { hostname: 'sent.example.com', subjectAltNames: [{ type: 'URI', uri: 'spiffe://example.com/chat' }], ...ours },
  system,
  'system-stranger': system,
};

function config(policies: Readonly<Record<string, Manifest>> = POLICIES): string {
  const { backends, others, secrets } = world;
  const { good, named, stranger, expired, asking, bare } = backends as Readonly<Record<string, HttpBackend>>;
  const of: Readonly<Record<string, Address | undefined>> = {
    ...Object.fromEntries([...Object.keys(POLICIES), ...Object.keys(STANDARD), 'plain'].map((name) => [name, good])),
    ...{ uri: named, 'system-stranger': stranger, unverified: stranger, expired, shown: asking, unshown: asking, bare },
    ...others,
  };
  const services = Object.fromEntries(Object.entries(of).map(([name, at]) => [name, at === undefined ? [] : [at]]));
  const path = { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' };
  const filters = [{ type: 'URLRewrite', urlRewrite: { path } }];
  const routes = Object.keys(of).map((name) => ({ rules: [{ prefix: `/${name}`, backends: [name], filters }] }));
  const documents = [
    ...secrets,
    ...Object.entries(policies).map(([name, spec]) => agc(name, spec)),
    ...Object.entries(STANDARD).map(([name, validation]) => standard(name, validation)),
  ];
  return [manifests({ services, routes }), ...documents.map((each) => JSON.stringify(each))].join('\n---\n');
}

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  const [authority, strangers] = [new Authority(folder, 'ca'), new Authority(folder, 'strangers')];
  const own = authority.issue(NAME);
  const trusted = authority.issue('gateway');
  const asksFor = { requestCert: true, rejectUnauthorized: true, ca: authority.certificate };
  const bare = await HttpBackend.start();
  closing.push(() => bare.close());
  const backends = {
    good: await secure(authority, { cert: own.chain, key: own.key }),
    named: await secure(authority, {}, { names: ['URI:spiffe://example.com/chat'] }),
    stranger: await secure(strangers),
    expired: await secure(authority, {}, { days: -1 }),
    asking: await secure(authority, asksFor),
    bare,
  };
  const secrets = [
    authoritySecret('ca', authority.certificate),
    authoritySecret('strangers', strangers.certificate),
    authoritySecret('leaf', own.chain),
    tlsSecret('client', trusted),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'ca', namespace: 'test' },
      data: { 'ca.crt': authority.certificate },
    },
  ];
  world = { folder, authority, secrets, backends, others: { dead: await refusingAddress(), silent: await silent() } };
  gateway = await Gateway.start({
    config: config(),
    env: { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'), NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    expectErrors: true, // Node warns of that variable
    flags: { workers: '1', 'connect-timeout': '700ms', 'eject-after': '0' },
  });
});
afterEach(async () => {
  for (const backend of Object.values(world.backends)) backend.closeIdle();
  await gateway.settled();
});
afterAll(async () => {
  try {
    await gateway.stop();
  } finally {
    for (const close of closing) await close();
    rmSync(world.folder, { recursive: true, force: true });
  }
});

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

async function asked(path: string): Promise<{ status: number; tls: string; body: string; id: string }> {
  const client = await RawClient.connect(gateway);
  await client.write(get(path));
  const { head, body } = await readAnswer(client);
  client.destroy();
  const [tls, id] = [head.one('x-tls') ?? '', head.one('x-request-id') ?? ''];
  return { status: head.status, tls, body: body.toString(), id };
}

test.each([
  ['good', `${NAME}, http/1.1, nobody`],
  ['unnamed', 'no name, http/1.1, nobody'],
  ['leaf', `${NAME}, http/1.1, nobody`],
  ['unverified', `${NAME}, http/1.1, nobody`],
  ['shown', 'no name, http/1.1, gateway'],
  ['standard', `${NAME}, http/1.1, nobody`],
  ['uri', 'sent.example.com, http/1.1, nobody'],
  ['system', `${NAME}, http/1.1, nobody`],
])('%s: the backend is taken', async (service, tls) => {
  expect(await asked(`/${service}`)).toMatchObject({ status: 200, tls });
});

test.each([
  ['wrong-name', 'hostname mismatch'],
  ['wrong-authority', 'unable to get local issuer certificate'],
  ['system-stranger', 'unable to verify the first certificate'],
  ['expired', 'certificate has expired'],
  ['unshown', 'tlsv13 alert certificate required'],
  ['bare', 'wrong version number'],
])('%s: no byte of the request reaches the backend', async (service, refusalReason) => {
  const requests = () => Object.values(world.backends).reduce((sum, backend) => sum + backend.requests, 0);
  const before = requests();
  const { status, body, id } = await asked(`/${service}`);
  expect([status, body]).toEqual([502, expect.stringContaining('(connect-tls)')]);
  expect(await gateway.accessLog.record({ trackingId: id })).toMatchObject({ refusal: 'connect-tls', refusalReason });
  expect(requests()).toBe(before);
});

test('without a policy the port is spoken to in plain text, whatever others say of it', async () => {
  expect(await asked('/good')).toMatchObject({ status: 200 });
  expect(await asked('/plain')).toMatchObject({ status: 502 });
  expect(await asked('/good')).toMatchObject({ status: 200 });
});

test('an endpoint that refuses, and one that never answers the handshake', async () => {
  expect(await asked('/dead')).toMatchObject({ status: 502, body: expect.stringContaining('(connect-failed)') });
  expect(await asked('/silent')).toMatchObject({ status: 504, body: expect.stringContaining('(connect-timeout)') });
});

test('connections are kept, beside WebSockets', async () => {
  const { good } = world.backends;
  const before = good?.connections ?? 0;
  const ws = await RawClient.upgrade(gateway, { target: '/good/ws' });
  const client = await RawClient.connect(gateway);
  for (let n = 0; n < 3; n++) {
    await client.write(`POST /good HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nbody${n}`);
    const { head, body } = await readAnswer(client);
    expect([head.status, JSON.parse(body.toString()).body]).toEqual([200, `body${n}`]);
    await ws.write('ping');
    expect((await ws.read(4)).toString()).toBe('ping');
  }
  expect((good?.connections ?? 0) - before).toBe(2);
  await client.write(upgradeHead({ target: '/good/ws' }));
  expect((await client.readHead()).status).toBe(101);
  await client.write('and here');
  expect((await client.read(8)).toString()).toBe('and here');
  for (const each of [ws, client]) each.destroy();
});

test('another policy holds for the next request, and touches none that is under way', async () => {
  const { good } = world.backends;
  const { client } = await RawClient.request(gateway, get('/good/events'));
  const events = await good?.answering('/events');
  await applied(gateway, () =>
    replaceConfig(gateway, config({ ...POLICIES, good: { sni: NAME, ...verify('x.example.com') } })),
  );
  await eventually(async () => expect(await asked('/good')).toMatchObject({ status: 502 }));
  events?.write('data: still here\n\n');
  await eventually(() => expect(client.buffered.toString()).toContain('still here'));
  events?.end();
  client.destroy();
  const { good: _, ...without } = POLICIES;
  await applied(gateway, () => replaceConfig(gateway, config(without)));
  await eventually(async () => expect((await asked('/good')).body).not.toContain('connect-tls'));
  await applied(gateway, () => replaceConfig(gateway, config()));
  await eventually(async () => expect(await asked('/good')).toMatchObject({ status: 200 }));
});

test('a renewed certificate of ours is shown by new connections', async () => {
  const renewed = tlsSecret('client', world.authority.issue('renewed'));
  const { secrets } = world;
  const others = secrets.filter(({ metadata }) => (metadata as { name: string }).name !== 'client');
  expect((await asked('/shown')).tls).toContain('gateway');
  world = { ...world, secrets: [...others, renewed] };
  await applied(gateway, () => replaceConfig(gateway, config()));
  await eventually(async () => expect((await asked('/shown')).tls).toContain('renewed'));
});
