/**
 * A program for a network namespace of its own: peers vanish (their address is taken off the interface, so nothing
 * answers any more) and it prints, as one JSON line, with which close reasons the gateway ended the connections.
 */
import { execFileSync } from 'node:child_process';
import { EchoBackend } from './echo-backend.js';
import { Gateway } from './gateway.js';
import { RawClient } from './raw-client.js';

/** RFC 5737 addresses: routed nowhere. */
const CLIENT = '192.0.2.1';
const BACKEND = '192.0.2.2';

export interface Vanished {
  /** Close reason by what vanished. */
  readonly quietClient: string;
  readonly busyClient: string;
  readonly quietBackend: string;
}

const address = (verb: 'add' | 'del', ip: string) => execFileSync('ip', ['addr', verb, `${ip}/32`, 'dev', 'lo']);

async function main(): Promise<Vanished> {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  address('add', CLIENT);
  address('add', BACKEND);
  const backend = await EchoBackend.start();
  const remote = await EchoBackend.start({ address: BACKEND });
  const gateway = await Gateway.start({
    config: {
      services: { echo: [backend], remote: [remote] },
      routes: [
        {
          rules: [
            { prefix: '/', backends: ['echo'] },
            { prefix: '/remote', backends: ['remote'] },
          ],
        },
      ],
    },
    flags: { 'keepalive-idle': '1', 'keepalive-interval': '1', 'keepalive-count': '2', 'tcp-user-timeout': '2s' },
  });
  const upgrade = async (target: string, from: string) => {
    const client = await RawClient.connect(gateway, from);
    await client.write(`GET ${target} HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`);
    await client.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    await client.readHead();
  };
  await upgrade('/quiet-client', CLIENT);
  await upgrade('/busy-client', CLIENT);
  await upgrade('/remote', '127.0.0.1');
  const { socket } = await backend.exchange('/busy-client');
  address('del', CLIENT);
  address('del', BACKEND);
  socket.write('to nobody');
  const reason = async (part: string) => String((await gateway.accessLog.recordOf(part, 20_000)).closeReason);
  const seen = {
    quietClient: await reason('/quiet-client'),
    busyClient: await reason('/busy-client'),
    quietBackend: await reason('/remote'),
  };
  await gateway.kill();
  return seen;
}

const seen = await main();
console.log(JSON.stringify(seen));
process.exit();
