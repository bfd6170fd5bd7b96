/** Behind proxies that are trusted the client is the one that they name: in the log, and in what backends are told. */
import { afterEach, expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { EchoBackend } from '../support/echo-backend.js';
import { type Field, upgradeHead } from '../support/heads.js';
import { type Echoed, HttpBackend } from '../support/http-backend.js';
import { proxyV2 } from '../support/proxy-header.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';

/** Sends PROXY headers; other clients are a trusted proxy (127.0.0.1) or nobody in particular. */
const BALANCER = '127.0.0.3';
const STRANGER = '127.0.0.2';

const running = sharedGateway(
  async () => ({ ws: await EchoBackend.start(), http: await HttpBackend.start() }),
  ({ ws, http }) => ({
    config: {
      services: { ws: [ws], http: [http] },
      routes: [
        {
          rules: [
            { prefix: '/ws', backends: ['ws'] },
            { prefix: '/echo', backends: ['http'] },
          ],
        },
      ],
      gatewayAnnotations: {
        'sluice.dev/trusted-proxies': '127.0.0.1, 10.0.0.0/8',
        'sluice.dev/proxy-protocol': BALANCER,
      },
    },
  }),
);

afterEach(() => running().backends.http.closeIdle());

interface Case {
  readonly name: string;
  readonly from?: string;
  /** The address that a PROXY header gives. */
  readonly peer?: string;
  readonly add: readonly Field[];
  readonly clientIp: RegExp;
  readonly forwardedFor: string;
  readonly proto: string;
}
const https: Field = ['X-Forwarded-Proto', 'https'];
const cases: readonly Case[] = [
  {
    name: 'chain',
    add: [['X-Forwarded-For', '192.0.2.66, 198.51.100.1:4711'], ['x-forwarded-for', '10.1.1.1'], https],
    clientIp: /^198\.51\.100\.1:4711$/,
    forwardedFor: '192.0.2.66, 198.51.100.1:4711, 10.1.1.1, 127.0.0.1',
    proto: 'https',
  },
  {
    name: 'ipv6',
    add: [['X-Forwarded-For', '2001:DB8::1']],
    clientIp: /^\[2001:db8::1\]$/,
    forwardedFor: '2001:DB8::1, 127.0.0.1',
    proto: 'http',
  },
  {
    name: 'garbage',
    add: [
      ['X-Forwarded-For', '198.51.100.1, unknown'],
      ['X-Forwarded-Proto', 'gopher'],
    ],
    clientIp: /^127\.0\.0\.1:\d+$/,
    forwardedFor: '198.51.100.1, unknown, 127.0.0.1',
    proto: 'http',
  },
  {
    name: 'stranger',
    from: STRANGER,
    add: [['X-Forwarded-For', '198.51.100.1'], https],
    clientIp: /^127\.0\.0\.2:\d+$/,
    forwardedFor: '198.51.100.1, 127.0.0.2',
    proto: 'http',
  },
  {
    name: 'behind-both',
    from: BALANCER,
    peer: '10.2.2.2',
    add: [['X-Forwarded-For', '198.51.100.1'], https],
    clientIp: /^198\.51\.100\.1$/,
    forwardedFor: '198.51.100.1, 10.2.2.2',
    proto: 'https',
  },
  {
    name: 'behind-a-stranger',
    from: BALANCER,
    peer: '203.0.113.5',
    add: [['X-Forwarded-For', '198.51.100.1'], https],
    clientIp: /^203\.0\.113\.5:4711$/,
    forwardedFor: '198.51.100.1, 203.0.113.5',
    proto: 'http',
  },
];

async function open({ from, peer }: Case): Promise<RawClient> {
  const client = await RawClient.connect(running().gateway, from);
  if (peer !== undefined) await client.write(proxyV2(peer, 4711));
  return client;
}

test.each(cases)('a WebSocket: $name', async (each) => {
  const { gateway, backends } = running();
  const client = await open(each);
  await client.write(upgradeHead({ target: `/ws?${each.name}`, add: each.add }));
  expect((await client.readHead()).status).toBe(101);
  client.destroy();
  const request = backends.ws.exchanges.find(({ request: { startLine } }) =>
    startLine.includes(`?${each.name} `),
  )?.request;
  expect(request?.all('x-forwarded-for')).toEqual([each.forwardedFor]);
  expect(request?.all('x-forwarded-proto')).toEqual([each.proto]);
  const { clientIp } = await gateway.accessLog.recordOf(`/ws?${each.name}`);
  expect(clientIp).toMatch(each.clientIp);
});

test.each(cases)('a plain request, and an upgrade on its connection: $name', async (each) => {
  const { gateway } = running();
  const client = await open(each);
  const fields = each.add.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  await client.write(`GET /echo?${each.name} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
  const { rawHeaders } = JSON.parse((await readAnswer(client)).body.toString()) as Echoed;
  expect(rawHeaders[rawHeaders.indexOf('x-forwarded-for') + 1]).toBe(each.forwardedFor);
  expect(rawHeaders[rawHeaders.indexOf('x-forwarded-proto') + 1]).toBe(each.proto);
  const { clientIp } = await gateway.accessLog.recordOf(`/echo?${each.name}`);
  expect(clientIp).toMatch(each.clientIp);
  // Each request says for itself whose it is.
  await client.write(upgradeHead({ target: `/ws?behind-${each.name}`, add: each.add }));
  expect((await client.readHead()).status).toBe(101);
  client.destroy();
  expect((await gateway.accessLog.recordOf(`/ws?behind-${each.name}`)).clientIp).toMatch(each.clientIp);
});

test('refusals are recorded as the client’s', async () => {
  const { gateway } = running();
  const add: Field[] = [['X-Forwarded-For', '198.51.100.77']];
  const { client, answer } = await RawClient.request(gateway, upgradeHead({ target: '/nowhere', add }));
  client.destroy();
  expect(answer.status).toBe(404);
  expect((await gateway.accessLog.recordOf('/nowhere')).clientIp).toBe('198.51.100.77');
});
