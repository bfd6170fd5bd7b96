/** Expressions over a socket: what they may look at is bounded, and a long request does not choose its rule by its length. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { type Field, upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';

const COOKIES = 12;
const running = sharedGateway(
  async () => ({ plain: await EchoBackend.start(), special: await EchoBackend.start() }),
  ({ plain, special }) => ({
    config: {
      services: { plain: [plain], special: [special] },
      routes: [
        {
          rules: [
            { prefix: '/', backends: ['plain'] },
            {
              matches: Array.from({ length: COOKIES }, (_, each) => ({
                path: { value: '/' },
                headers: [{ type: 'RegularExpression', name: 'cookie', value: `(.*; )?user=${each}(;.*)?` }],
              })),
              backends: ['special'],
            },
          ],
        },
      ],
    },
  }),
);

async function status(target: string, fields: readonly Field[]): Promise<number> {
  const { client, answer } = await RawClient.request(running().gateway, upgradeHead({ target, add: fields }));
  client.destroy();
  return answer.status;
}

const cookie = (length: number, user: number): Field => ['Cookie', `a=${'x'.repeat(length)}; user=${user}`];

test('a cookie leads to its rule, and one that is too long for all expressions is refused with 431', async () => {
  const { gateway, backends } = running();
  expect(await status('/?n=short', [cookie(10, COOKIES - 1)])).toBe(101);
  expect((await backends.special.request('n=short')).target).toBe('/?n=short');
  expect(await status('/?n=other', [cookie(10, 99)])).toBe(101);
  expect((await backends.plain.request('n=other')).target).toBe('/?n=other');
  const before = [backends.plain.accepted, backends.special.accepted];
  expect(await status('/?n=long', [cookie(12_000, COOKIES - 1)])).toBe(431);
  expect([backends.plain.accepted, backends.special.accepted]).toEqual(before);
  expect(await gateway.accessLog.recordOf('n=long')).toMatchObject({
    httpStatusCode: 431,
    refusal: 'header-too-large',
  });
});
