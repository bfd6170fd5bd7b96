/** Header changes and URL rewrites, over a socket: what backend and client get to see of each other through a rule. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { type Field, type ReceivedHead, SAMPLE_KEY, upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';

const OWN_FIELDS = ['Connection', 'Upgrade', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version', 'Transfer-Encoding'];
const BACKEND_FIELDS: Field[] = [
  ['Server', 'backend'],
  ['X-Secret', 'backend'],
  ['Set-Cookie', 'of=backend'],
];
const changes = (set: Record<string, string>, add: Record<string, string> = {}, remove: readonly string[] = []) => ({
  set: Object.entries(set).map(([name, value]) => ({ name, value })),
  add: Object.entries(add).map(([name, value]) => ({ name, value })),
  remove,
});
const requestHeaders = (of: object) => ({ type: 'RequestHeaderModifier', requestHeaderModifier: of });
const responseHeaders = (of: object) => ({ type: 'ResponseHeaderModifier', responseHeaderModifier: of });
const rewrite = (of: object) => ({ type: 'URLRewrite', urlRewrite: of });

const running = sharedGateway(
  async () => ({ backend: await EchoBackend.start({ fields: BACKEND_FIELDS }) }),
  ({ backend }) => ({
    config: {
      services: { echo: [backend] },
      routes: [
        {
          rules: [
            {
              prefix: '/headers',
              filters: [
                requestHeaders(changes({ 'X-Env': 'edge' }, { 'X-Via': 'rule' }, ['X-Secret', 'User-Agent'])),
                responseHeaders(changes({ Server: 'edge' }, { 'Set-Cookie': 'of=rule' }, ['x-secret'])),
              ],
              backends: [{ service: 'echo', filters: [requestHeaders(changes({ 'X-Via': 'ref' }))] }],
            },
            {
              prefix: '/own',
              filters: [
                requestHeaders(
                  changes(
                    {
                      ...Object.fromEntries(OWN_FIELDS.map((name) => [name, 'broken'])),
                      'X-Forwarded-For': '192.0.2.9',
                    },
                    { 'Content-Length': '7' },
                    ['Sec-WebSocket-Protocol', 'X-Request-Id', 'Host'],
                  ),
                ),
                responseHeaders(
                  changes({ Upgrade: 'h2c', 'Sec-WebSocket-Accept': 'wrong' }, {}, ['Connection', 'Date']),
                ),
              ],
              backends: ['echo'],
            },
            {
              prefix: '/old',
              filters: [
                rewrite({
                  hostname: 'internal.test',
                  path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new/' },
                }),
              ],
              backends: ['echo'],
            },
            {
              prefix: '/full',
              filters: [rewrite({ path: { type: 'ReplaceFullPath', replaceFullPath: '/one' } })],
              backends: ['echo'],
            },
            { prefix: '/host', filters: [requestHeaders(changes({ Host: 'set.test:8080' }))], backends: ['echo'] },
          ],
        },
      ],
    },
  }),
);
let requests = 0;

async function heads(
  target: string,
  add: readonly Field[] = [],
): Promise<{ backend: ReceivedHead; client: ReceivedHead }> {
  const { gateway, backends } = running();
  requests += 1;
  const id = `n=${requests}&end`;
  const { client, answer } = await RawClient.request(
    gateway,
    upgradeHead({ target: `${target}${target.includes('?') ? '&' : '?'}${id}`, add }),
  );
  client.destroy();
  return { client: answer, backend: await backends.backend.request(id) };
}

test('a request loses and gets the fields that its rule and its backendRef say', async () => {
  const { backend, client } = await heads('/headers', [
    ['x-env', 'client'],
    ['X-Via', 'client'],
    ['x-secret', 'client'],
    ['User-Agent', 'client'],
    ['X-Kept', 'client'],
  ]);
  expect(client.status).toBe(101);
  expect(backend.all('x-env')).toEqual(['edge']);
  expect(backend.all('x-via')).toEqual(['ref']);
  expect(backend.all('x-kept')).toEqual(['client']);
  expect([...backend.all('x-secret'), ...backend.all('user-agent')]).toEqual([]);
});

test.each([
  ['the 101', '/headers', 101],
  ['an answer that is passed on', '/headers?fault=answer&status=403', 403],
  ['one without an end', '/headers?fault=answer&status=200&body=eof', 200],
])('%s loses and gets the fields that its rule says', async (_name, target, status) => {
  const { client } = await heads(target);
  expect(client.status).toBe(status);
  expect(client.all('server')).toEqual(['edge']);
  expect(client.all('set-cookie')).toEqual(['of=backend', 'of=rule']);
  expect(client.all('x-secret')).toEqual([]);
});

test('no filter breaks a handshake or hides who asked', async () => {
  const { backend, client } = await heads('/own', [['Sec-WebSocket-Protocol', 'chat']]);
  expect(client.status, client.raw).toBe(101);
  expect(client.one('upgrade')).toBe('websocket');
  expect(client.one('connection')).toBe('Upgrade');
  expect(backend.one('sec-websocket-key')).toBe(SAMPLE_KEY);
  expect(backend.one('sec-websocket-version')).toBe('13');
  expect(backend.one('sec-websocket-protocol')).toBe('chat');
  expect(backend.one('connection')).toBe('Upgrade');
  expect(backend.one('host')).toBe('test.local');
  expect(backend.one('x-forwarded-for')).toBe('127.0.0.1');
  expect(backend.one('x-request-id')).toBe(client.one('x-request-id'));
  expect([...backend.all('content-length'), ...backend.all('transfer-encoding')]).toEqual([]);
});

test.each([
  ['/old', '/new'],
  ['/old/', '/new/'],
  ['/old/a%20b/c', '/new/a%20b/c'],
  ['/full/of/it', '/one'],
])('%s goes on as %s, with its query', async (target, expected) => {
  const { gateway } = running();
  const { backend } = await heads(`${target}?q=/old`);
  expect(backend.target).toBe(`${expected}?q=/old&n=${requests}&end`);
  const record = await gateway.accessLog.recordOf(`n=${requests}&end`);
  expect(record.requestUri).toBe(`${target}?q=/old&n=${requests}&end`);
});

test.each([
  ['/old', 'internal.test'],
  ['/host', 'set.test:8080'],
  ['/full', 'test.local'],
])("the Host that the backend of %s gets is %s, and the client's stays in the record", async (target, host) => {
  const { gateway } = running();
  const { backend } = await heads(target);
  expect(backend.one('host')).toBe(host);
  expect((await gateway.accessLog.recordOf(`n=${requests}&end`)).hostName).toBe('test.local');
});
