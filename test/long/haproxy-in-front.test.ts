/** A real HAProxy in front: PROXY headers of both versions, its own probes among them, and its `x-forwarded-for`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { freePort } from '../support/redis.js';
import { withGateway } from '../support/scenario.js';

const HAPROXY = ['/usr/sbin/haproxy', '/usr/local/sbin/haproxy'].find((path) => existsSync(path));
/** HAProxy connects to the gateway from here. */
const BALANCER = '127.0.0.3';
const CLIENT = '127.0.0.9';
const KINDS = ['v1', 'v2', 'http'] as const;

type Ports = Readonly<Record<(typeof KINDS)[number], number>>;

function configuration(ports: Ports, { proxied, plain }: { readonly proxied: number; readonly plain: number }): string {
  const tcp = (name: 'v1' | 'v2', send: string) => `
listen ${name}
  mode tcp
  bind 127.0.0.1:${ports[name]}
  server gateway 127.0.0.1:${proxied} source ${BALANCER} ${send} check check-send-proxy inter 100ms`;
  return `
defaults
  timeout connect 5s
  timeout client 30s
  timeout server 30s
${tcp('v1', 'send-proxy')}
${tcp('v2', 'send-proxy-v2')}
listen http
  mode http
  bind 127.0.0.1:${ports.http}
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  server gateway 127.0.0.1:${plain} source ${BALANCER}
`;
}

async function listens(port: number): Promise<void> {
  await eventually(async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect').finally(() => socket.destroy());
  });
}

async function startHaproxy(program: string, folder: string, text: string, ports: Ports): Promise<ChildProcess> {
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, text);
  const child = spawn(program, ['-db', '-f', file], { stdio: 'ignore' });
  for (const kind of KINDS) await listens(ports[kind]);
  return child;
}

/** The same echo backend behind two ports of the gateway: of the one HAProxy sends headers, of the other it is trusted. */
function manifestsOf({ address, port }: EchoBackend): string {
  const gatewayOf = (name: string, listener: number, annotation: string) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name, annotations: { [`sluice.dev/${annotation}`]: BALANCER } },
    spec: { gatewayClassName: 'sluice', listeners: [{ name, port: listener, protocol: 'HTTP' }] },
  });
  const route = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'all' },
    spec: {
      parentRefs: [{ name: 'proxied' }, { name: 'plain' }],
      rules: [{ backendRefs: [{ name: 'echo', port: 80 }] }],
    },
  };
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'echo' }, spec: { ports: [{ port: 80 }] } };
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'echo', labels: { 'kubernetes.io/service-name': 'echo' } },
    addressType: 'IPv4',
    ports: [{ port }],
    endpoints: [{ addresses: [address] }],
  };
  const gateways = [gatewayOf('proxied', 80, 'proxy-protocol'), gatewayOf('plain', 81, 'trusted-proxies')];
  return [...gateways, route, service, slice].map((document) => JSON.stringify(document)).join('\n---\n');
}

async function chats(gateway: Gateway, backend: EchoBackend, kind: keyof Ports, port: number): Promise<void> {
  const target = `/${kind}`;
  const client = await RawClient.connect({ address: '127.0.0.1', port }, CLIENT);
  await client.write(upgradeHead({ target }));
  expect((await client.readHead()).status).toBe(101);
  const bytes = Buffer.alloc(200_000, 'x');
  const echoed = client.read(bytes.length);
  await client.write(bytes);
  expect((await echoed).equals(bytes)).toBe(true);
  client.destroy();
  const request = backend.exchanges.find(({ request: { startLine } }) => startLine.includes(target))?.request;
  expect(request?.all('x-forwarded-for')).toEqual([kind === 'http' ? `${CLIENT}, ${BALANCER}` : CLIENT]);
  expect(request?.all('x-forwarded-proto')).toEqual([kind === 'http' ? 'https' : 'http']);
  const { clientIp } = await gateway.accessLog.recordOf(target);
  expect(clientIp).toMatch(kind === 'http' ? /^127\.0\.0\.9$/ : /^127\.0\.0\.9:\d+$/);
}

test.skipIf(HAPROXY === undefined)(
  'the client is HAProxy’s, whatever it says it by; its probes are no faults',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-haproxy-'));
    const backend = await EchoBackend.start();
    const [v1, v2, http] = [await freePort(), await freePort(), await freePort()];
    const ports: Ports = { v1, v2, http };
    let child: ChildProcess | undefined;
    const haproxy = { close: () => void child?.kill('SIGKILL') };
    const options = { config: manifestsOf(backend), flags: { 'port-map': '80=0,81=0' } };
    try {
      await withGateway(
        options,
        async (gateway) => {
          const to = { proxied: gateway.listener('proxied').port, plain: gateway.listener('plain').port };
          child = await startHaproxy(HAPROXY ?? '', folder, configuration(ports, to), ports);
          for (const kind of KINDS) await chats(gateway, backend, kind, ports[kind]);
          const records = () => gateway.accessLog.records();
          const probes = () => records().filter(({ clientIp }) => String(clientIp).startsWith(`${BALANCER}:`));
          await eventually(() => expect(probes().length).toBeGreaterThan(5));
          expect(probes().filter(({ closeReason }) => closeReason !== 'client-aborted')).toEqual([]);
          expect(records().filter(({ closeReason }) => closeReason === 'malformed-proxy-header')).toEqual([]);
          const ended = once(child, 'exit');
          child.kill('SIGKILL');
          await ended;
        },
        [backend, haproxy],
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
