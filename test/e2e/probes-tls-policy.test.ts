/**
 * Probes over TLS by a BackendTLSPolicy: whom they trust, which names they take, what they show; against real servers, for
 * every kind of probe.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProbeCheck } from '@sluice/shared/snapshot/service-policy';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { grpcCheck, httpCheck, websocketCheck } from '../support/probe-ask.js';
import { Certificates, type KeyPair } from '../support/probe-certificates.js';
import type { AskedTls } from '../support/probe-main.js';
import { ProbeProcess } from '../support/probe-process.js';

const SPIFFE = 'spiffe://shop.example/ns/shop/sa/chat';
const WORD = 'GET /';
const KINDS: readonly (readonly [string, ProbeCheck])[] = [
  [WORD, httpCheck()],
  ['gRPC Health/Check', grpcCheck()],
  ['WebSocket /', websocketCheck({ ping: true })],
];

let folder: string;
/** Trusts the system's authorities alone; the other one our CA too, as the system's. */
let prober: ProbeProcess;
let trusting: ProbeProcess;
let [ca, otherCa] = ['', ''];
let own: KeyPair;
let client: KeyPair;
let stranger: KeyPair;
let plain: AddressInfo;
let mutual: AddressInfo;
const servers: Server[] = [];
const serverNames: string[] = [];

/** `clients`: PEM of the CA whose certificates clients must show. */
async function serve(pair: KeyPair, clients?: string): Promise<AddressInfo> {
  const sockets = new WebSocketServer({ noServer: true });
  const mutualTls = clients === undefined ? {} : { ca: clients, requestCert: true, rejectUnauthorized: true };
  const server = createSecureServer({ ...pair, ...mutualTls, allowHTTP1: true }) as unknown as Server;
  server.on('secureConnection', (socket) => serverNames.push(String(socket.servername)));
  server.on('tlsClientError', () => undefined);
  server.on('session', (session) => session.on('error', () => undefined));
  server.on('request', (request, response) => {
    if (request.httpVersionMajor === 1) {
      response.end('hello');
      return;
    }
    response.writeHead(200, { 'content-type': 'application/grpc' });
    response.addTrailers({ 'grpc-status': '0' });
    response.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
  });
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (each: WebSocket) => each.on('error', () => undefined)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return server.address() as AddressInfo;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-probes-'));
  const made = new Certificates(mkdtempSync(join(folder, 'one-')));
  const others = new Certificates(mkdtempSync(join(folder, 'other-')));
  [ca, otherCa] = [readFileSync(made.caFile, 'utf8'), readFileSync(others.caFile, 'utf8')];
  client = made.signed('client', 'gateway.example');
  stranger = others.signed('stranger', 'gateway.example');
  own = made.signed('server', '*.shop.example', 2, ['DNS:chat.example', `URI:${SPIFFE}`]);
  [plain, mutual] = [await serve(own), await serve(own, ca)];
  prober = new ProbeProcess({ NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_EXTRA_CA_CERTS: '' });
  trusting = new ProbeProcess({ NODE_EXTRA_CA_CERTS: made.caFile });
});
afterAll(async () => {
  await Promise.all([prober.close(), trusting.close()]);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(folder, { recursive: true });
});

function policy(more: Partial<AskedTls> = {}): AskedTls {
  const authority = { certificates: ca };
  return { sni: 'chat.example', subjectAltNames: ['chat.example'], authority, certificate: null, ...more };
}

async function why(more: Partial<AskedTls> = {}, to = plain, check = httpCheck(), by = prober): Promise<string> {
  return (await by.ask(to, check, { tls: true }, policy(more))).why;
}

test.each(KINDS)("%s: the policy's authority, name and server name", async (question, check) => {
  expect(await why({}, plain, check)).toBe('');
  expect(serverNames.at(-1)).toBe('chat.example');
  expect(await why({ authority: { certificates: otherCa } }, plain, check)).toMatch(
    new RegExp(`^probe ${question}: TLS: the CA of the certificate is unknown`),
  );
  expect(await why({ subjectAltNames: ['other.example'] }, plain, check)).toBe(
    `probe ${question}: TLS: the certificate is not for other.example`,
  );
});

test.each(KINDS)('%s: a certificate is shown, and the server asks for the right one', async (question, check) => {
  expect(await why({ certificate: { chain: client.cert, key: client.key } }, mutual, check)).toBe('');
  for (const certificate of [null, { chain: stranger.cert, key: stranger.key }]) {
    expect(await why({ certificate }, mutual, check)).toMatch(new RegExp(`^probe ${question}: `));
  }
});

test.each<[string, readonly string[]]>([
  ['one of several', ['nobody.example', 'chat.example']],
  ['a name under a wildcard of the certificate', ['eu.shop.example']],
  ['in capitals', ['CHAT.Example']],
  ['the wildcard itself', ['*.shop.example']],
  ['a URI', [SPIFFE]],
  ['an address', ['127.0.0.1']],
])('names that are taken: %s', async (_, subjectAltNames) => {
  expect(await why({ subjectAltNames })).toBe('');
});

test.each<[string, readonly string[]]>([
  ['two labels under a wildcard', ['a.b.shop.example']],
  ['the domain of a wildcard', ['shop.example']],
  ['another wildcard', ['*.example']],
  ['the beginning of a URI', [SPIFFE.slice(0, -1)]],
  ['a URI in capitals', [SPIFFE.toUpperCase()]],
  ['the subject, which says nothing', ['Sluice test CA']],
  ['another address', ['127.0.0.2']],
])('names that are not: %s', async (_, subjectAltNames) => {
  expect(await why({ subjectAltNames })).toBe(
    `probe ${WORD}: TLS: the certificate is not for ${subjectAltNames.join(' or ')}`,
  );
});

test("the server's own certificate may be the authority", async () => {
  expect(await why({ authority: { certificates: own.cert } })).toBe('');
  expect(await why({ authority: { certificates: client.cert } })).not.toBe('');
});

test('no server name is sent when the policy has none', async () => {
  expect(await why({ sni: '' })).toBe('');
  expect(serverNames.at(-1)).toBe('false');
});

test("'system' is what node trusts; 'none' asks nobody; no authority at all trusts nobody", async () => {
  expect(await why({ authority: 'system' })).toMatch(/the CA of the certificate is unknown/);
  expect(await why({ authority: 'system' }, plain, httpCheck(), trusting)).toBe('');
  expect(await why({ authority: { certificates: otherCa } }, plain, httpCheck(), trusting)).toMatch(/CA/);
  expect(await why({ authority: { certificates: '' } }, plain, httpCheck(), trusting)).toMatch(/CA/);
  expect(await why({ authority: 'none', subjectAltNames: [] })).toBe('');
});

test('a PEM that is none is the verdict of the probe, and no more', async () => {
  expect(await why({ certificate: { chain: 'nonsense', key: 'nonsense' } }, mutual)).toMatch(/^probe GET \//);
  expect(await why()).toBe('');
});
