/** Paths that could be read in two ways never reach a backend; the rest reaches it as it was routed. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway, withGateway } from '../support/scenario.js';

const running = sharedGateway(
  async () => ({ backend: await EchoBackend.start(), guarded: await EchoBackend.start() }),
  ({ backend, guarded }) => ({
    config: {
      services: { echo: [backend], guarded: [guarded] },
      routes: [
        {
          rules: [
            { prefix: '/', backends: ['echo'] },
            { prefix: '/admin', backends: ['guarded'] },
          ],
        },
      ],
    },
  }),
);

test.each([
  ['/public/../admin', 'a dot segment'],
  ['/public/%2e%2E/admin', 'a dot segment'],
  ['/public/..%2fadmin', 'an encoded slash'],
  ['/public/..%5cadmin', 'a backslash'],
  ['/public\\..\\admin', 'a backslash'],
  ['/./admin', 'a dot segment'],
  ['/public/..;/admin', 'a dot segment with parameters'],
  ['/public/..%3bx=y/admin', 'a dot segment with parameters'],
  ['/public/..%c0%afadmin', 'an overlong encoding'],
  ['//admin', 'an empty segment'],
  ['/public//..//admin', 'a dot segment'],
  ['/admin%00', 'an encoded control character'],
  ['/admin%0d%0aX:%20y', 'an encoded control character'],
  ['/admin%', 'two hexadecimal digits'],
  ['http://test.local/public/../admin', 'a dot segment'],
  ['/admin#x', 'request line is malformed'],
  ['http://other.local/admin', 'the target names another'],
])('%s is refused with 400', async (target, why) => {
  const { gateway, backends } = running();
  const before = [backends.backend.accepted, backends.guarded.accepted];
  const { client, answer } = await RawClient.request(gateway, upgradeHead({ target }));
  expect(answer.status).toBe(400);
  expect((await client.readToEnd()).toString()).toContain(why);
  client.destroy();
  expect([backends.backend.accepted, backends.guarded.accepted]).toEqual(before);
});

test.each([
  ['/public/a..b/.well-known/...', 'backend'],
  ['/a%20b%3Bc?d=/../e//%2f%00', 'backend'],
  ['/admin/%C3%A9?', 'guarded'],
] as const)('%s reaches the backend as it came', async (target, to) => {
  const { gateway, backends } = running();
  const client = await RawClient.upgrade(gateway, { target });
  client.destroy();
  expect((await backends[to].request(target)).target).toBe(target);
});

test('an escape that says nothing leads to the rule of what it stands for', async () => {
  const { gateway, backends } = running();
  const client = await RawClient.upgrade(gateway, { target: '/%61dmin/%7e?escaped' });
  client.destroy();
  expect((await backends.guarded.request('escaped')).target).toBe('/admin/~?escaped');
});

test('a Gateway may have paths normalised: routing sees what is forwarded', async () => {
  const backend = await EchoBackend.start();
  const guarded = await EchoBackend.start();
  const config = {
    gatewayAnnotations: { 'sluice.dev/paths': 'normalise' },
    services: { echo: [backend], guarded: [guarded] },
    routes: [
      {
        rules: [
          { prefix: '/', backends: ['echo'] },
          { prefix: '/admin', backends: ['guarded'] },
        ],
      },
    ],
  };
  await withGateway(
    { config },
    async (gateway) => {
      const ask = async (target: string): Promise<number> => {
        const { client, answer } = await RawClient.request(gateway, upgradeHead({ target }));
        client.destroy();
        return answer.status;
      };
      const forwarded: [string, EchoBackend, string][] = [
        ['/public/../admin?n=1/../x', guarded, '/admin?n=1/../x'],
        ['/public/%2e%2E/%61dmin//y?n=2', guarded, '/admin/y?n=2'],
        ['/admin/..?n=3', backend, '/?n=3'],
        ['//a//./b/?n=4', backend, '/a/b/?n=4'],
      ];
      for (const [target, to, expected] of forwarded) {
        expect(await ask(target)).toBe(101);
        expect((await to.request(expected.slice(expected.indexOf('?')))).target).toBe(expected);
      }
      expect((await gateway.accessLog.recordOf('n=3')).requestUri).toBe('/admin/..?n=3');
      for (const target of ['/a%2fb', '/a%5cb', '/a%00', '/a%']) expect(await ask(target)).toBe(400);
    },
    [backend, guarded],
  );
});
