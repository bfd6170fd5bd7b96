/** PROXY headers on the ports of a Gateway: from whom, in which form, in front of what, and what of the client follows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { EchoBackend } from '../support/echo-backend.js';
import { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { type Echoed, HttpBackend } from '../support/http-backend.js';
import { type Manifest, manifests } from '../support/manifests.js';
import { proxyLocal, proxyV1, proxyV2 } from '../support/proxy-header.js';
import { type Address, RawClient } from '../support/raw-client.js';
import { applied, replaceConfig } from '../support/reloading.js';
import { Authority } from '../support/tls-authority.js';
import { tlsSecret } from '../support/tls-manifests.js';

const HOST = 'open.example.com';
const HEAD_TIMEOUT_MS = 3000;
/** Clients are at 127.0.0.1, as the gateway is, but for those that name another address of their own. */
const SOURCES = '127.0.0.1, 2001:db8::/32';
const STRANGER = '127.0.0.2';

let folder: string;
let authority: Authority;
let secret: Manifest;
let ws: EchoBackend;
let http: HttpBackend;
let gateway: Gateway;

/** One Gateway with an HTTP and an HTTPS listener. `sources`: '' for nobody. */
function config(sources: string): string {
  const documents = manifests({
    services: { ws: [ws], http: [http] },
    routes: [
      {
        rules: [
          { prefix: '/echo', backends: ['ws'] },
          { prefix: '/plain', backends: ['http'], filters: TO_ECHO },
        ],
      },
    ],
    gatewayAnnotations: { 'sluice.dev/h2c': 'on', ...(sources === '' ? {} : { 'sluice.dev/proxy-protocol': sources }) },
  })
    .split('\n---\n')
    .map((text) => JSON.parse(text) as Manifest);
  const tls = { mode: 'Terminate', certificateRefs: [{ kind: 'Secret', name: 'open' }] };
  const listeners = [
    { name: 'http', port: 80, protocol: 'HTTP' },
    { name: 'https', port: 443, protocol: 'HTTPS', tls },
  ];
  const secured = documents.map((document) =>
    document.kind === 'Gateway' ? { ...document, spec: { gatewayClassName: 'sluice', listeners } } : document,
  );
  return [...secured, secret].map((document) => JSON.stringify(document)).join('\n---\n');
}
const TO_ECHO: readonly Manifest[] = [
  { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/echo' } } },
];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-proxy-'));
  authority = new Authority(folder, 'ca');
  secret = tlsSecret('open', authority.issue(HOST));
  [ws, http] = await Promise.all([EchoBackend.start(), HttpBackend.start()]);
  const flags = { 'port-map': '80=0,443=0', 'request-head-timeout': `${HEAD_TIMEOUT_MS}ms` };
  gateway = await Gateway.start({ config: config(SOURCES), flags });
});

afterEach(async () => {
  http.closeIdle();
  await gateway.settled();
});

afterAll(async () => {
  try {
    await gateway.stop();
  } finally {
    await Promise.all([ws.close(), http.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Sends the pieces, each in a segment of its own, and talks over what comes of them. */
async function chat(target: string, pieces: (head: Buffer) => readonly Buffer[], from?: string): Promise<RawClient> {
  const client = await RawClient.connect(gateway.listener('http'), from);
  for (const piece of pieces(Buffer.from(upgradeHead({ target })))) await client.write(piece);
  expect((await client.readHead()).status).toBe(101);
  await echoes(client);
  return client;
}

async function echoes(client: RawClient): Promise<void> {
  await client.write('still here');
  expect((await client.read(10)).toString()).toBe('still here');
}

function forwardedFor(target: string): string | undefined {
  return ws.exchanges.find(({ request }) => request.startLine.includes(target))?.request.one('x-forwarded-for');
}

test.each([
  ['v1', proxyV1('203.0.113.7', 4711), '203.0.113.7', '203.0.113.7:4711'],
  ['v1-ipv6', proxyV1('2001:db8::7', 4711, '2001:db8::1'), '2001:db8::7', '[2001:db8::7]:4711'],
  ['v2', proxyV2('203.0.113.7', 4712), '203.0.113.7', '203.0.113.7:4712'],
  ['v2-ipv6', proxyV2('2001:db8::7', 4711), '2001:db8::7', '[2001:db8::7]:4711'],
  ['v2-long', proxyV2('203.0.113.7', 9, Buffer.alloc(4000, 'T')), '203.0.113.7', '203.0.113.7:9'],
])('%s names the client, in one segment with the request or cut anywhere', async (name, header, address, clientIp) => {
  const splits: readonly ((head: Buffer) => readonly Buffer[])[] = [
    (head) => [Buffer.concat([header, head])],
    (head) => [header, head],
    (head) => [header.subarray(0, 9), Buffer.concat([header.subarray(9), head.subarray(0, 5)]), head.subarray(5)],
  ];
  for (const [n, split] of splits.entries()) {
    const target = `/echo?${name}-${n}`;
    const client = await chat(target, split);
    client.end();
    expect(await client.outcome()).toBe('fin');
    expect(forwardedFor(target)).toBe(address);
    expect(await gateway.accessLog.recordOf(target)).toMatchObject({ clientIp, httpStatusCode: 101 });
    client.destroy();
  }
});

test.each([
  ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n')],
  ['LOCAL', proxyLocal()],
])('%s keeps the address of the socket', async (name, header) => {
  const target = `/echo?${name}`;
  const client = await chat(target, (head) => [Buffer.concat([header, head])]);
  client.destroy();
  expect(forwardedFor(target)).toBe('127.0.0.1');
});

/** A connection on which nothing but a header has been said. */
async function headed(to: Address, header: Buffer): Promise<Socket> {
  const { socket } = await RawClient.connect(to);
  socket.removeAllListeners('data');
  await new Promise((resolve) => socket.write(header, resolve));
  return socket;
}

test('in front of TLS', async () => {
  for (const header of [proxyV1('203.0.113.8', 1), proxyV2('203.0.113.8', 2)]) {
    const socket = await headed(gateway.listener('https'), header);
    const secure = connectTls({ socket, servername: HOST, ca: authority.certificate });
    const client = RawClient.over(secure);
    const target = `/echo?tls-${header.length}`;
    await client.write(upgradeHead({ target, host: HOST }));
    expect((await client.readHead()).status).toBe(101);
    await echoes(client);
    secure.destroy();
    expect(forwardedFor(target)).toBe('203.0.113.8');
    const { clientIp, tlsProtocol } = await gateway.accessLog.recordOf(target);
    expect([clientIp, tlsProtocol]).toEqual([expect.stringContaining('203.0.113.8:'), 'TLSv1.3']);
  }
});

test('in front of HTTP/2', async () => {
  const socket = await headed(gateway.listener('http'), proxyV2('2001:db8::8', 4711));
  const session = connectHttp2(`http://${HOST}`, { createConnection: () => socket });
  const { rawHeaders } = (await json(session.request({ ':path': '/plain?h2' }))) as Echoed;
  session.destroy();
  expect(rawHeaders[rawHeaders.indexOf('x-forwarded-for') + 1]).toBe('2001:db8::8');
  const record = await gateway.accessLog.recordOf('/plain?h2');
  expect(record).toMatchObject({ clientIp: '[2001:db8::8]:4711', httpVersion: 'HTTP/2.0' });
});

test('plain requests of a connection are all the client’s, and so is an upgrade behind them', async () => {
  const client = await RawClient.connect(gateway.listener('http'));
  await client.write(proxyV2('203.0.113.9', 4711));
  for (const n of [1, 2]) {
    await client.write(`GET /plain?${n} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n`);
    const answer = await readAnswer(client);
    const { rawHeaders } = JSON.parse(answer.body.toString()) as Echoed;
    expect(rawHeaders[rawHeaders.indexOf('x-forwarded-for') + 1]).toBe('198.51.100.1, 203.0.113.9');
    expect(await gateway.accessLog.recordOf(`/plain?${n}`)).toMatchObject({ clientIp: '203.0.113.9:4711' });
  }
  await client.write(upgradeHead({ target: '/echo?behind' }));
  expect((await client.readHead()).status).toBe(101);
  await echoes(client);
  client.destroy();
  expect(await gateway.accessLog.recordOf('/echo?behind')).toMatchObject({ clientIp: '203.0.113.9:4711' });
});

test('others are plain clients: no header is read from them, and one that they send is a malformed request', async () => {
  const client = await chat('/echo?stranger', (head) => [head], STRANGER);
  client.destroy();
  expect(forwardedFor('/echo?stranger')).toBe(STRANGER);
  const liar = await RawClient.connect(gateway.listener('http'), STRANGER);
  await liar.write(Buffer.concat([proxyV1('203.0.113.7', 1), Buffer.from(upgradeHead())]));
  expect((await liar.readHead()).status).toBe(400);
  liar.destroy();
});

test('a header that is missing or malformed ends the connection at once, with a record and a count', async () => {
  const closed = async () => {
    const { body } = await gateway.admin('/metrics');
    const lines = body.split('\n').filter((line) => line.includes('reason="malformed-proxy-header"'));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };
  const before = await closed();
  const malformed: readonly (readonly [Buffer, string])[] = [
    [Buffer.from(upgradeHead()), 'no PROXY header'],
    [Buffer.from('PROXY TCP4 203.0.113.7 192.0.2.1 70000 443\r\n'), 'version 1: addresses or ports'],
    [proxyV2('203.0.113.7', 1, Buffer.alloc(5000)), 'version 2: longer than 4096 bytes'],
  ];
  for (const [bytes, proxyError] of malformed) {
    const client = await RawClient.connect(gateway.listener('http'));
    await client.write(bytes);
    await client.outcome();
    expect(client.buffered.length).toBe(0);
    const record = await gateway.accessLog.record({ closeReason: 'malformed-proxy-header', proxyError });
    expect(record).toMatchObject({ listener: '-', frontendName: 'test/edge', httpStatusCode: '-' });
    expect(record.clientIp).toMatch(/^127\.0\.0\.1:/);
    client.destroy();
  }
  expect(await closed()).toBe(before + malformed.length);
});

test('a header that does not come is waited for as long as a request head is', async () => {
  const client = await RawClient.connect(gateway.listener('http'));
  await client.write('PROXY TCP4 203.0');
  const since = performance.now();
  expect(await client.outcome()).toBe('reset');
  expect(performance.now() - since).toBeGreaterThan(HEAD_TIMEOUT_MS / 2);
  client.destroy();
  await gateway.accessLog.record({ closeReason: 'request-timeout' });
});

test('a reload turns it off and on again; who is connected stays', async () => {
  const client = await chat('/echo?first', (head) => [proxyV1('203.0.113.7', 1), head]);
  const address = gateway.listener('http');
  await applied(gateway, () => replaceConfig(gateway, config('')));
  await echoes(client);
  const plain = await chat('/echo?off', (head) => [head]);
  await applied(gateway, () => replaceConfig(gateway, config(SOURCES)));
  const again = await chat('/echo?on', (head) => [proxyV1('203.0.113.10', 1), head]);
  for (const each of [client, plain, again]) {
    await echoes(each);
    each.destroy();
  }
  expect(gateway.listener('http')).toEqual(address);
  expect(['/echo?first', '/echo?off', '/echo?on'].map(forwardedFor)).toEqual([
    '203.0.113.7',
    '127.0.0.1',
    '203.0.113.10',
  ]);
});
