/** RequestRedirect over a socket: handshakes and plain requests are sent elsewhere, and no backend hears of them. */
import { expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { EchoBackend } from '../support/echo-backend.js';
import { head, upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';

const redirect = (of: object) => [{ type: 'RequestRedirect', requestRedirect: of }];
const running = sharedGateway(
  async () => ({ backend: await EchoBackend.start() }),
  ({ backend }) => ({
    config: {
      listeners: [
        { name: 'http', port: 80 },
        { name: 'other', port: 8080 },
      ],
      services: { echo: [backend] },
      routes: [
        {
          rules: [
            { prefix: '/secure', filters: redirect({ scheme: 'https', statusCode: 301 }), backends: [] },
            { prefix: '/moved', filters: redirect({ hostname: 'b.test', port: 8443 }), backends: [] },
            {
              prefix: '/old',
              filters: redirect({
                path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' },
                statusCode: 308,
              }),
              backends: [],
            },
            {
              prefix: '/full',
              filters: redirect({ path: { type: 'ReplaceFullPath', replaceFullPath: '/one' }, statusCode: 307 }),
              backends: [],
            },
            { prefix: '/echo', backends: ['echo'] },
          ],
        },
      ],
    },
  }),
);

interface Case {
  readonly listener?: string;
  readonly target: string;
  readonly host?: string;
  readonly status: number;
  readonly location: string;
}
const cases: Case[] = [
  { target: '/secure/x?a=b', status: 301, location: 'https://test.local/secure/x?a=b' },
  { target: '/secure', listener: 'other', status: 301, location: 'https://test.local/secure' },
  { target: '/secure', host: 'test.local:8080', status: 301, location: 'https://test.local/secure' },
  { target: '/moved', status: 302, location: 'http://b.test:8443/moved' },
  { target: '/old/a/b?q', status: 308, location: 'http://test.local/new/a/b?q' },
  { target: '/old', listener: 'other', status: 308, location: 'http://test.local:8080/new' },
  { target: '/old', host: '[::1]:80', status: 308, location: 'http://[::1]/new' },
  { target: '/full/deep', status: 307, location: 'http://test.local/one' },
  { target: '/old/%0d%0aSet-Cookie:x', status: 400, location: '' },
  { target: '/old?%0d%0aX:y', status: 308, location: 'http://test.local/new?%0d%0aX:y' },
];

test.each(cases)(
  '$target of $host is sent to $location',
  async ({ listener = 'http', target, host, status, location }) => {
    const { gateway, backends } = running();
    const to = gateway.listener(listener);
    const named = host === undefined ? {} : { host };
    const plain = (method: string) => head(`${method} ${target} HTTP/1.1`, [['Host', host ?? 'test.local']]);
    for (const request of [upgradeHead({ target, ...named }), plain('GET'), plain('POST')]) {
      const client = await RawClient.connect(to);
      await client.write(request);
      const { head: answer } = await readAnswer(client);
      expect(answer.status).toBe(status);
      expect(answer.one('location') ?? '').toBe(location);
      expect(answer.one('connection')).toBe('close');
      expect(await client.outcome()).toBe('fin');
      client.destroy();
    }
    expect(backends.backend.accepted).toBe(0);
  },
);

test('the record of a redirect says so', async () => {
  const { gateway } = running();
  const { client } = await RawClient.request(gateway, upgradeHead({ target: '/moved?recorded' }));
  client.destroy();
  expect(await gateway.accessLog.recordOf('?recorded')).toMatchObject({
    httpStatusCode: 302,
    closeReason: 'refused',
    refusal: 'redirect',
    route: 'test/route-0',
    backendIp: '-',
  });
});

test('HEAD gets no body, and other routes go on', async () => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  await client.write(head('HEAD /moved HTTP/1.1', [['Host', 'test.local']]));
  const answer = await client.readHead();
  expect(answer.status).toBe(302);
  expect((await client.readToEnd()).length).toBe(0);
  client.destroy();
  (await RawClient.upgrade(gateway)).destroy();
});
