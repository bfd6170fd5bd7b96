/**
 * A program for a network namespace of its own: peers vanish (their address is taken off the interface, so nothing
 * answers any more) and it prints, as one JSON line, with which close reasons the gateway ended the connections.
 */

import { execFileSync } from 'node:child_process';
import { Certificates, PAIRED_LISTENERS } from './certificates.js';
import { EchoBackend } from './echo-backend.js';
import { overHttp1, overHttp2 } from './fault-client.js';
import { Gateway } from './gateway.js';
import { HttpBackend } from './http-backend.js';
import { RawClient } from './raw-client.js';

/** RFC 5737 addresses: routed nowhere. */
const CLIENT = '192.0.2.1';
const BACKEND = '192.0.2.2';

export interface Vanished {
  /** Close reason by what vanished. */
  readonly quietClient: string;
  readonly busyClient: string;
  readonly quietBackend: string;
  /** Clients of HTTPS listeners, by what they had open. */
  readonly secure: Readonly<Record<string, string>>;
}

const SECURE = [
  { path: '/?http1', websocket: true, open: overHttp1 },
  { path: '/?http2', websocket: true, open: overHttp2 },
  { path: '/events?http1', websocket: false, open: overHttp1 },
  { path: '/events?http2', websocket: false, open: overHttp2 },
];

const address = (verb: 'add' | 'del', ip: string) => execFileSync('ip', ['addr', verb, `${ip}/32`, 'dev', 'lo']);

async function main(): Promise<Vanished> {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  address('add', CLIENT);
  address('add', BACKEND);
  const backend = await EchoBackend.start();
  const remote = await EchoBackend.start({ address: BACKEND });
  const http = await HttpBackend.start();
  const certificates = Certificates.make();
  const gateway = await Gateway.start({
    config: {
      listeners: PAIRED_LISTENERS,
      more: [certificates.secret],
      services: { echo: [backend], remote: [remote], http: [http] },
      routes: [
        {
          rules: [
            { prefix: '/', backends: ['echo'] },
            { prefix: '/remote', backends: ['remote'] },
            { prefix: '/events', backends: ['http'] },
          ],
        },
      ],
    },
    flags: { 'keepalive-idle': '1', 'keepalive-interval': '1', 'keepalive-count': '2', 'tcp-user-timeout': '2s' },
  });
  const upgrade = async (target: string, from: string) => {
    const client = await RawClient.connect(gateway.listener('http'), from);
    await client.write(`GET ${target} HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`);
    await client.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    await client.readHead();
  };
  await upgrade('/quiet-client', CLIENT);
  await upgrade('/busy-client', CLIENT);
  await upgrade('/remote', '127.0.0.1');
  const shared = { to: gateway.listener('https'), ca: certificates.ca, from: CLIENT, length: 0, fields: [] };
  for (const { path, websocket, open } of SECURE) await (await open({ ...shared, path, websocket })).status();
  const { socket } = await backend.exchange('/busy-client');
  address('del', CLIENT);
  address('del', BACKEND);
  socket.write('to nobody');
  const reason = async (part: string) => String((await gateway.accessLog.recordOf(part, 20_000)).closeReason);
  const seen = {
    quietClient: await reason('/quiet-client'),
    busyClient: await reason('/busy-client'),
    quietBackend: await reason('/remote'),
    secure: Object.fromEntries(await Promise.all(SECURE.map(async ({ path }) => [path, await reason(path)]))),
  };
  await gateway.kill();
  certificates.close();
  return seen;
}

const seen = await main();
console.log(JSON.stringify(seen));
process.exit();
