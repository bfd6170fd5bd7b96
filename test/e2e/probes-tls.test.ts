/** Probes over TLS: what is verified, and how a failure is named. The prober is a process that trusts the tests' CA. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProbeCheck } from '@sluice/shared/snapshot/service-policy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { grpcCheck, httpCheck, verdict, websocketCheck } from '../support/probe-ask.js';
import { Certificates, type KeyPair } from '../support/probe-certificates.js';
import { ProbeProcess } from '../support/probe-process.js';
import { says } from '../support/probe-scripts.js';
import { withServer } from '../support/probe-server.js';

type Names = 'good' | 'other' | 'expired' | 'selfSigned';

const TLS = { tls: true };
const KINDS: readonly (readonly [string, ProbeCheck])[] = [
  ['GET /', httpCheck()],
  ['gRPC Health/Check', grpcCheck()],
  ['WebSocket /', websocketCheck({ ping: true })],
];

let folder: string;
let prober: ProbeProcess;
const servers: Server[] = [];
const certificates = {} as Record<Names, KeyPair>;
const serverNames: string[] = [];

/** HTTPS and WebSocket on HTTP/1.1, and the health protocol on HTTP/2, on one port. */
async function serve(pair: KeyPair, alpn: readonly string[] = ['h2', 'http/1.1']): Promise<AddressInfo> {
  const sockets = new WebSocketServer({ noServer: true });
  const server = alpn.includes('h2')
    ? (createSecureServer({ ...pair, allowHTTP1: true }) as unknown as Server)
    : createServer({ ...pair });
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
    sockets.handleUpgrade(request, socket, head, (client: WebSocket) => client.on('error', () => undefined)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return server.address() as AddressInfo;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-probes-'));
  const made = new Certificates(folder);
  certificates.good = made.signed('good', 'localhost');
  certificates.other = made.signed('other', 'other.example');
  certificates.expired = made.signed('expired', 'localhost', -1);
  certificates.selfSigned = made.selfSigned('self', 'localhost');
  // What would turn verification off must not.
  prober = new ProbeProcess({ NODE_EXTRA_CA_CERTS: made.caFile, NODE_TLS_REJECT_UNAUTHORIZED: '0' });
});
afterAll(async () => {
  await prober.close();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(folder, { recursive: true });
});

const why = async (to: AddressInfo, check: ProbeCheck) => (await prober.ask(to, check, TLS)).why;

describe.each(KINDS)('%s', (question, check) => {
  test('a good certificate of a trusted CA', async () => {
    expect(await why(await serve(certificates.good), check)).toBe('');
    expect(serverNames.at(-1)).toBe('localhost');
  });

  test.each<[Names, string]>([
    ['other', 'TLS: the certificate is not for localhost'],
    ['expired', 'TLS: the certificate, or one of its chain, has expired'],
    ['selfSigned', 'TLS: the certificate is self-signed'],
  ])('a certificate that is no good: %s', async (name, words) => {
    expect(await why(await serve(certificates[name]), check)).toBe(`probe ${question}: ${words}`);
  });

  test('a CA that nobody told of', async () => {
    const words = 'TLS: the CA of the certificate is unknown, or its chain is incomplete';
    expect(await verdict(await serve(certificates.good), check, TLS)).toBe(`probe ${question}: ${words}`);
  });

  test('a port without TLS', async () => {
    const plain = createHttpServer((_request, response) => response.end());
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    expect(await verdict(plain.address() as AddressInfo, check, TLS)).toBe(
      `probe ${question}: TLS: the port does not speak TLS`,
    );
    await new Promise((resolve) => plain.close(resolve));
  });

  test('silence, a reset and an end instead of a handshake', async () => {
    await withServer(
      (socket) => socket.resume(),
      async (server) => {
        const found = await verdict(server, check, { ...TLS, timeoutMs: 300 });
        expect(found).toBe(`probe ${question}: no TLS handshake within 300ms`);
      },
    );
    await withServer(
      (socket) => socket.once('data', () => socket.resetAndDestroy()),
      async (server) => {
        expect(await verdict(server, check, TLS)).toMatch(/: connection (?:reset|closed) before a TLS handshake$/);
      },
    );
    await withServer(
      (socket) => socket.once('data', () => socket.end()),
      async (server) => {
        expect(await verdict(server, check, TLS)).toBe(`probe ${question}: connection closed before a TLS handshake`);
      },
    );
  });
});

test('the server name is the configured host without its port; an address is verified as one, without SNI', async () => {
  const to = await serve(certificates.other);
  expect(await why(to, { ...httpCheck(), host: 'other.example:8443' } as ProbeCheck)).toBe('');
  expect(serverNames.at(-1)).toBe('other.example');
  expect(await why(to, { ...httpCheck(), host: '127.0.0.1' } as ProbeCheck)).toBe('');
  expect(serverNames.at(-1)).toBe('false');
});

test('a TLS server without HTTP/2 is no gRPC server', async () => {
  const to = await serve(certificates.good, ['http/1.1']);
  expect(await why(to, grpcCheck())).toBe('probe gRPC Health/Check: TLS: no application protocol in common (ALPN)');
});

test('a port with TLS under a probe without', async () => {
  await withServer(says(Buffer.from([21, 3, 1, 0, 2, 2, 70])), async (server) => {
    expect(await verdict(server, httpCheck())).toBe('probe GET /: the port speaks TLS, the probe does not');
  });
});

test('the timeout is one for connect, TLS and answer', async () => {
  const server = createServer({ ...certificates.good }, () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const result = await prober.ask(server.address() as AddressInfo, httpCheck(), { ...TLS, timeoutMs: 1_000 });
  expect(result.why).toBe('probe GET /: no answer within 1s');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
