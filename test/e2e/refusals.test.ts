/** What the gateway refuses by itself, with which status; such a request never reaches a backend. */
import { expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { EchoBackend } from '../support/echo-backend.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';

const running = sharedGateway(
  async () => ({ backend: await EchoBackend.start() }),
  ({ backend }) => ({
    config: {
      services: { echo: [backend], empty: [] },
      routes: [
        {
          hostnames: ['test.local'],
          rules: [
            { prefix: '/echo', backends: ['echo'] },
            { prefix: '/empty', backends: ['empty'] },
            { prefix: '/unresolved', backends: ['missing'] },
          ],
        },
      ],
    },
    flags: { 'request-head-timeout': '5s' },
  }),
);

interface Refusal {
  readonly name: string;
  readonly request: string;
  /** Where standards leave a choice, each is right. */
  readonly status: readonly number[];
  readonly fields?: Readonly<Record<string, string | RegExp>>;
}
const VERSION_13 = { 'sec-websocket-version': '13' };
const long = 'x'.repeat(9_000);
const many = Array.from({ length: 200 }, (_, index) => [`X-${index}`, 'y'] as const);
const withLine = (line: string) => upgradeHead().replace('\r\n\r\n', `\r\n${line}\r\n\r\n`);

const malformed: Refusal[] = [
  { name: 'no HTTP at all', request: 'hello\r\n\r\n', status: [400] },
  { name: 'two spaces in the request line', request: upgradeHead({ target: ' /echo' }), status: [400] },
  { name: 'a target with a control character', request: upgradeHead({ target: '/echo\x01' }), status: [400] },
  { name: 'a target without a slash', request: upgradeHead({ target: 'echo' }), status: [400] },
  { name: 'no Host', request: upgradeHead({ set: { Host: null } }), status: [400] },
  { name: 'two Hosts', request: upgradeHead({ add: [['Host', 'test.local']] }), status: [400] },
  { name: 'a Host that is none', request: upgradeHead({ host: 'te st' }), status: [400] },
  { name: 'a folded field', request: withLine('X-Folded: a\r\n b'), status: [400] },
  { name: 'a space before the colon', request: withLine('X-Space : a'), status: [400] },
  { name: 'a field without a name', request: withLine(': a'), status: [400] },
  { name: 'a field name that is no token', request: withLine('X(Y): a'), status: [400] },
  { name: 'a bare LF', request: withLine('X-A: a\nX-B: b'), status: [400] },
  { name: 'a bare CR', request: withLine('X-A: a\rX-B: b'), status: [400] },
  { name: 'a NUL in a value', request: withLine('X-A: a\0b'), status: [400] },
  { name: 'a target that is too long', request: upgradeHead({ target: `/echo/${long}` }), status: [414] },
  {
    name: 'a head that is too large',
    request: upgradeHead({
      add: [
        ['A', long],
        ['B', long],
      ],
    }),
    status: [431],
  },
  { name: 'too many fields', request: upgradeHead({ add: many }), status: [431] },
  { name: 'HTTP/2.0', request: upgradeHead({ version: 'HTTP/2.0' }), status: [505] },
  { name: 'a version that is none', request: upgradeHead({ version: 'HTTP/x' }), status: [400, 505] },
];

const handshakes: Refusal[] = [
  { name: 'no key', request: upgradeHead({ set: { 'Sec-WebSocket-Key': null } }), status: [400] },
  {
    name: 'a key of 15 bytes',
    request: upgradeHead({ set: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25j' } }),
    status: [400],
  },
  {
    name: 'a key that is not base64',
    request: upgradeHead({ set: { 'Sec-WebSocket-Key': '*'.repeat(24) } }),
    status: [400],
  },
  {
    name: 'two keys',
    request: upgradeHead({ add: [['Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA==']] }),
    status: [400],
  },
  {
    name: 'version 8',
    request: upgradeHead({ set: { 'Sec-WebSocket-Version': '8' } }),
    status: [426],
    fields: VERSION_13,
  },
  { name: 'no version', request: upgradeHead({ set: { 'Sec-WebSocket-Version': null } }), status: [400, 426] },
  { name: 'a body by length', request: upgradeHead({ add: [['Content-Length', '5']] }), status: [400] },
  { name: 'a body in chunks', request: upgradeHead({ add: [['Transfer-Encoding', 'chunked']] }), status: [400] },
  {
    name: 'a Connection that lists no upgrade',
    request: upgradeHead({ set: { Connection: 'keep-alive' } }),
    status: [400, 426],
  },
  { name: 'HTTP/1.0', request: upgradeHead({ version: 'HTTP/1.0' }), status: [400, 426, 505] },
  { name: 'POST', request: upgradeHead({ method: 'POST' }), status: [405] },
  { name: 'an unknown method', request: upgradeHead({ method: 'BREW' }), status: [501] },
  { name: 'CONNECT', request: upgradeHead({ method: 'CONNECT', target: 'test.local:80' }), status: [400, 405, 501] },
  {
    name: 'upgrade to something else',
    request: upgradeHead({ set: { Upgrade: 'h2c, TLS/1.3' } }),
    status: [426],
    fields: { upgrade: 'websocket' },
  },
];

const unserved: Refusal[] = [
  { name: 'an unknown host', request: upgradeHead({ host: 'other.local' }), status: [404] },
  { name: 'an unknown path', request: upgradeHead({ target: '/other' }), status: [404] },
  {
    name: 'no endpoint',
    request: upgradeHead({ target: '/empty' }),
    status: [503],
    fields: { 'retry-after': /^[1-5]$/ },
  },
  { name: 'an unresolved backend', request: upgradeHead({ target: '/unresolved' }), status: [500] },
];

test.each([...malformed, ...handshakes, ...unserved])(
  '$name is refused with $status',
  async ({ request, status, fields }) => {
    const { gateway, backends } = running();
    const before = backends.backend.requests;
    const client = await RawClient.connect(gateway);
    await client.write(request);
    const answer = await readAnswer(client);
    expect(status, answer.head.raw).toContain(answer.head.status);
    for (const [name, value] of Object.entries(fields ?? {})) {
      expect(answer.head.one(name)).toEqual(value instanceof RegExp ? expect.stringMatching(value) : value);
    }
    expect(answer.head.one('connection')?.toLowerCase()).toMatch(/close|upgrade/);
    expect(answer.body.toString()).toMatch(/\S/);
    expect(await client.readToEnd()).toHaveLength(0);
    client.end();
    expect(backends.backend.requests).toBe(before);
  },
);

test('the answer arrives whole although the client goes on sending', async () => {
  const client = await RawClient.connect(running().gateway);
  await client.write(upgradeHead({ target: '/other' }));
  for (let piece = 0; piece < 5; piece += 1) {
    await client.write('z'.repeat(10_000));
  }
  const answer = await readAnswer(client);
  expect(answer.head.status).toBe(404);
  expect(await client.outcome()).toBe('fin');
  client.end();
});

test('a client that floods behind its refused request does not keep the connection', async () => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  client.pause();
  const flood = Buffer.alloc(4_000_000, 'z');
  client.socket.write(Buffer.concat([Buffer.from(upgradeHead({ target: '/other' })), flood]));
  await gateway.settled();
  client.destroy();
});

test('a request pipelined behind a refused one is not answered', async () => {
  const client = await RawClient.connect(running().gateway);
  await client.write(upgradeHead({ target: '/other' }) + upgradeHead());
  expect((await readAnswer(client)).head.status).toBe(404);
  expect(await client.readToEnd()).toHaveLength(0);
  client.end();
});

const accepted = [
  {
    name: 'lists and other cases',
    request: upgradeHead({ set: { Connection: 'keep-alive, UPGRADE', Upgrade: 'WebSocket' } }),
  },
  { name: 'websocket among other upgrades', request: upgradeHead({ set: { Upgrade: 'h2c, websocket' } }) },
  { name: 'Content-Length: 0', request: upgradeHead({ add: [['Content-Length', '0']] }) },
  { name: 'an empty line in front', request: `\r\n${upgradeHead()}` },
  { name: 'an absolute target', request: upgradeHead({ target: 'http://test.local/echo' }) },
  { name: 'a host with a port, in capitals', request: upgradeHead({ host: 'TEST.local:8080' }) },
  { name: 'HTTP/1.2', request: upgradeHead({ version: 'HTTP/1.2' }) },
];

test.each(accepted)('$name is not refused', async ({ request }) => {
  const { gateway, backends } = running();
  const { client, answer } = await RawClient.request(gateway, request);
  expect(answer.status, answer.raw).toBe(101);
  expect(backends.backend.exchanges.at(-1)?.request.one('upgrade')).toBe('websocket');
  client.destroy();
});
