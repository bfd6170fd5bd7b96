/** What the backend and the client get to see of each other's heads. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { type Field, type ReceivedHead, upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const running = sharedGateway(
  async () => ({ backend: await EchoBackend.start() }),
  ({ backend }) => ({ config: { services: { echo: [backend] } } }),
);

interface Seen {
  readonly backend: ReceivedHead;
  readonly client: ReceivedHead;
}
let requests = 0;

/** Sends a handshake and returns the heads that both peers got. */
async function heads(add: readonly Field[], set: Record<string, string | null> = {}, query = ''): Promise<Seen> {
  const { gateway, backends } = running();
  requests += 1;
  const target = `/echo?n=${requests}${query}`;
  const { client, answer } = await RawClient.request(gateway, upgradeHead({ target, add, set }));
  expect(answer.status, answer.raw).toBe(101);
  client.destroy();
  return { client: answer, backend: await backends.backend.request(`n=${requests}`) };
}

const forwardedFor: { came: Field[]; sent: string }[] = [
  { came: [], sent: '127.0.0.1' },
  { came: [['X-Forwarded-For', '192.0.2.7']], sent: '192.0.2.7, 127.0.0.1' },
  { came: [['x-forwarded-for', '192.0.2.7, 2001:db8::1']], sent: '192.0.2.7, 2001:db8::1, 127.0.0.1' },
  {
    came: [
      ['X-Forwarded-For', '192.0.2.7'],
      ['X-Forwarded-For', '192.0.2.8'],
    ],
    sent: '192.0.2.7, 192.0.2.8, 127.0.0.1',
  },
];

test.each(forwardedFor)('x-forwarded-for: $sent', async ({ came, sent }) => {
  const { backend } = await heads(came);
  expect(backend.all('x-forwarded-for').join(', ')).toBe(sent);
});

test('x-forwarded-proto says how the client came, whatever it says itself', async () => {
  expect((await heads([])).backend.one('x-forwarded-proto')).toBe('http');
  expect((await heads([['X-Forwarded-Proto', 'https']])).backend.one('x-forwarded-proto')).toBe('http');
});

test('a name with underscores does not stand for one that the gateway states', async () => {
  const spoofed: Field[] = [
    ['X_Forwarded_For', '192.0.2.1'],
    ['x_forwarded-proto', 'https'],
    ['X_Request_Id', 'mine'],
  ];
  const { backend } = await heads([...spoofed, ['X_Other', '1']]);
  expect(backend.raw).not.toMatch(/x_(forwarded|request)/i);
  expect(backend.one('x_other')).toBe('1');
});

test('x-request-id is the same at the backend, at the client and in the log', async () => {
  const { gateway } = running();
  const { backend, client } = await heads([['X-Request-ID', 'chosen-by-the-client']], {}, '&id');
  const id = backend.one('x-request-id');
  expect(id).toMatch(UUID);
  expect(client.one('x-request-id')).toBe(id);
  expect((await gateway.accessLog.recordOf(`n=${requests}&id`)).trackingId).toBe(id);
  expect((await heads([])).backend.one('x-request-id')).not.toBe(id);
});

test('hop-by-hop fields stay on their hop', async () => {
  const { backend } = await heads([
    ['Keep-Alive', 'timeout=5'],
    ['Proxy-Connection', 'keep-alive'],
    ['TE', 'trailers'],
    ['Trailer', 'X-Later'],
  ]);
  for (const name of ['keep-alive', 'proxy-connection', 'te', 'trailer']) {
    expect(backend.all(name), name).toEqual([]);
  }
  expect(backend.one('connection')?.toLowerCase()).toBe('upgrade');
  expect(backend.one('upgrade')).toBe('websocket');
});

test('fields that Connection names are dropped, before ours are added', async () => {
  const { backend } = await heads(
    [
      ['X-Private', 'for the gateway'],
      ['X-Forwarded-For', '192.0.2.7'],
      ['X-Kept', 'yes'],
    ],
    { Connection: 'Upgrade, x-private, X-Forwarded-For, x-request-id' },
  );
  expect(backend.all('x-private')).toEqual([]);
  expect(backend.one('x-forwarded-for')).toBe('127.0.0.1');
  expect(backend.one('x-request-id')).toMatch(UUID);
  expect(backend.one('x-kept')).toBe('yes');
});

test('extensions and subprotocols are not touched, in either direction', async () => {
  const offered: Field[] = [
    ['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits, x-other;  q="a,b"'],
    ['Sec-WebSocket-Extensions', 'x-third'],
    ['Sec-WebSocket-Protocol', 'chat.v2,chat.v1'],
  ];
  const { backend, client } = await heads(offered, {}, '&extensions=permessage-deflate;%20%20q=%22a%22');
  expect(backend.all('sec-websocket-extensions')).toEqual([offered[0]?.[1], offered[1]?.[1]]);
  expect(backend.one('sec-websocket-protocol')).toBe('chat.v2,chat.v1');
  expect(client.one('sec-websocket-extensions')).toBe('permessage-deflate;  q="a"');
  expect(client.one('sec-websocket-protocol')).toBe('chat.v2');
});

test('everything else passes as it came', async () => {
  const { gateway, backends } = running();
  const fields: Field[] = [
    ['Origin', 'https://app.example'],
    ['Cookie', 'a=1; b=2'],
    ['COOKIE', 'c=3'],
    ['Authorization', 'Bearer abc'],
    ['X-Latin', 'caf\xe9'],
    ['X-Empty', ''],
  ];
  const target = '/echo?x=%20%2F&y=a//b&z=..;[]';
  const { client, answer } = await RawClient.request(gateway, upgradeHead({ target, add: fields }));
  const request = await backends.backend.request('y=a//b');
  expect(request.target).toBe(target);
  expect(request.startLine.endsWith(' HTTP/1.1')).toBe(true);
  expect(request.one('host')).toBe('test.local');
  expect(request.fields.filter(([name]) => fields.some(([sent]) => sent === name))).toEqual(fields);
  expect(answer.one('x-backend')).toBe('says so');
  client.destroy();
});

test('an absolute target becomes a path', async () => {
  const { gateway, backends } = running();
  const target = 'http://test.local/echo?absolute';
  const { client } = await RawClient.request(gateway, upgradeHead({ target }));
  expect((await backends.backend.request('absolute')).target).toBe('/echo?absolute');
  client.destroy();
});
