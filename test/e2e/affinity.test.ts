/** Session affinity in a real gateway: the cookie of the 101, and what it decides. */
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { type Field, upgradeHead } from '../support/heads.js';
import type { Description, Manifest } from '../support/manifests.js';
import { type Address, RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

const MANAGED = { affinityType: 'managed-cookie' };

async function startBackends(count: number): Promise<EchoBackend[]> {
  return await Promise.all(Array.from({ length: count }, () => EchoBackend.start()));
}

function config(backends: readonly EchoBackend[], affinity: Manifest) {
  return {
    services: { echo: backends },
    routes: [{ rules: [{ backends: ['echo'] }], affinity }],
    balancing: { echo: { strategy: 'ring-hash' } },
  };
}

interface Visit {
  readonly index: number;
  readonly setCookies: readonly string[];
}

/** One handshake: which backend it reached, and the cookies that came with the answer. */
async function visit(
  gateway: Address,
  backends: readonly EchoBackend[],
  add: readonly Field[] = [],
  target = '/echo',
): Promise<Visit> {
  const before = backends.map(({ requests }) => requests);
  const { client, answer } = await RawClient.request(gateway, upgradeHead({ add, target }));
  client.destroy();
  const index = backends.findIndex(({ requests }, at) => requests !== before[at]);
  return { index, setCookies: answer.all('set-cookie') };
}

function pairOf({ setCookies }: Visit): string {
  expect(setCookies).toHaveLength(1);
  return setCookies[0]?.split(';')[0] ?? '';
}

test('the managed cookie comes with the first 101, keeps its client at the endpoint, and comes once', async () => {
  const backends = await startBackends(4);
  let first: Visit = { index: -1, setCookies: [] };
  await withGateway({ config: config(backends, MANAGED) }, async (gateway) => {
    first = await visit(gateway, backends);
    expect(first.setCookies[0]).toMatch(/^AGCAffinity=[0-9a-f]{16}; Max-Age=86400; Path=\/; HttpOnly; SameSite=Lax$/);
    const cookie = `theme=dark; ${pairOf(first)}`;
    for (let left = 8; left > 0; left -= 1) {
      expect(await visit(gateway, backends, [['Cookie', cookie]])).toEqual({ index: first.index, setCookies: [] });
    }
    const received = backends[first.index]?.exchanges.at(-1)?.request.one('cookie');
    expect(received).toBe(cookie);
  });
  // The same client comes to a gateway that knows more endpoints, in another order.
  const more = await EchoBackend.start();
  const others = [more, ...backends.toReversed()];
  await withGateway(
    { config: config(others, MANAGED) },
    async (gateway) => {
      const cookies = await cookiesOf(gateway, others);
      expect(cookies.size).toBe(others.length);
      for (const [index, cookie] of cookies) {
        expect(await visit(gateway, others, [['Cookie', cookie]])).toEqual({ index, setCookies: [] });
      }
      const kept = others.indexOf(backends[first.index] as EchoBackend);
      expect(await visit(gateway, others, [['Cookie', pairOf(first)]])).toEqual({ index: kept, setCookies: [] });
    },
    others,
  );
});

/** The cookie of each backend, as foreign values lead to them. */
async function cookiesOf(gateway: Address, backends: readonly EchoBackend[]): Promise<Map<number, string>> {
  const cookies = new Map<number, string>();
  for (let index = 0; index < 100 && cookies.size < backends.length; index += 1) {
    const seen = await visit(gateway, backends, [['Cookie', `AGCAffinity=foreign-${index}`]]);
    cookies.set(seen.index, pairOf(seen));
  }
  return cookies;
}

test('a cookie that names no endpoint is what is hashed, and is replaced; another answer than 101 carries it too', async () => {
  const backends = await startBackends(3);
  await withGateway(
    { config: config(backends, { affinityType: 'application-cookie', cookieName: 'nomnom', cookieDuration: '1h' }) },
    async (gateway) => {
      const visits = [];
      for (let left = 4; left > 0; left -= 1) {
        visits.push(await visit(gateway, backends, [['Cookie', 'nomnom=0123456789abcdef']]));
      }
      expect(new Set(visits.map((each) => `${each.index} ${pairOf(each)}`)).size).toBe(1);
      expect(visits[0]?.setCookies[0]).toMatch(/^nomnom=[0-9a-f]{16}; Max-Age=3600; /);
      const relayed = await visit(gateway, backends, [], '/?fault=answer&status=401');
      expect(pairOf(relayed)).toMatch(/^nomnom=/);
    },
    backends,
  );
});

test('with several services the cookie keeps the service as well', async () => {
  const backends = await startBackends(4);
  const [one, two, three, four] = backends as [EchoBackend, EchoBackend, EchoBackend, EchoBackend];
  const description: Description = {
    services: { blue: [one, two], green: [three, four] },
    routes: [
      {
        rules: [
          {
            backends: [
              { service: 'blue', weight: 1 },
              { service: 'green', weight: 1 },
            ],
          },
        ],
        affinity: MANAGED,
      },
    ],
    balancing: { blue: { strategy: 'ring-hash' }, green: { strategy: 'ring-hash' } },
  };
  await withGateway(
    { config: description },
    async (gateway) => {
      const services = new Set<boolean>();
      for (let left = 6; left > 0; left -= 1) {
        const first = await visit(gateway, backends);
        services.add(first.index < 2);
        const again = await visit(gateway, backends, [['Cookie', pairOf(first)]]);
        expect(again).toEqual({ index: first.index, setCookies: [] });
      }
      expect(services.size).toBe(2);
    },
    backends,
  );
});
