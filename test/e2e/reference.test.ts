/**
 * The scenarios of the reference product's documentation, as its guides have them (examples/reference), and what each guide
 * promises. The scenarios with TLS are in reference-tls.test.ts.
 */
import { expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { sluice } from '../support/command.js';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { head, type ReceivedHead, upgradeHead } from '../support/heads.js';
import { HealthBackend } from '../support/health-backend.js';
import { type Address, RawClient } from '../support/raw-client.js';
import { scenario, scenarioNames } from '../support/reference.js';
import { withGateway } from '../support/scenario.js';

type Ask = NonNullable<Parameters<typeof upgradeHead>[0]>;

/** Serves a scenario with two backends; `ask` makes one handshake. */
async function serve(
  name: string,
  body: (served: {
    backends: { readonly v1: EchoBackend; readonly v2: EchoBackend };
    gateway: Address;
    /** Which backend got it, and the request as it came there. */
    ask: (
      request: Ask,
    ) => Promise<{ to: 'v1' | 'v2' | undefined; request: ReceivedHead | undefined; answer: ReceivedHead }>;
  }) => Promise<void>,
): Promise<void> {
  const backends = { v1: await EchoBackend.start(), v2: await EchoBackend.start() };
  const config = scenario(name, { 'backend-v1': [backends.v1], 'backend-v2': [backends.v2] });
  const closables = Object.values(backends);
  await withGateway(
    { config },
    async (gateway) => {
      await body({
        backends,
        gateway,
        ask: async (wanted) => {
          const before = { v1: backends.v1.requests, v2: backends.v2.requests };
          const { client, answer } = await RawClient.request(gateway, upgradeHead({ host: 'contoso.com', ...wanted }));
          client.destroy();
          const to = (['v1', 'v2'] as const).find((each) => backends[each].requests > before[each]);
          return { to, request: to && backends[to].exchanges.at(-1)?.request, answer };
        },
      });
    },
    closables,
  );
}

test('every scenario is as it should be', async () => {
  for (const name of scenarioNames()) {
    const { code, stdout } = await sluice(['check', '--config', `examples/reference/${name}`]);
    expect({ name, code, stdout }).toMatchObject({ code: 0 });
  }
});

test('websocket: echoes for contoso.com, and health is asked on /health', async () => {
  const backend = await HealthBackend.start(200);
  const config = scenario('websocket', { 'websocket-backend': [backend] });
  await withGateway(
    { config, flags: { health: 'embedded' } },
    async (gateway) => {
      await eventually(async () => {
        const { client, answer } = await RawClient.request(
          gateway,
          upgradeHead({ host: 'contoso.com', target: '/chat' }),
        );
        client.destroy();
        expect(answer.status).toBe(101);
      });
      const { client, answer } = await RawClient.request(gateway, upgradeHead({ host: 'fabrikam.com' }));
      client.destroy();
      expect(answer.status).toBe(404);
      backend.status = 500;
      await eventually(
        async () => {
          const refused = await RawClient.request(gateway, upgradeHead({ host: 'contoso.com', target: '/chat' }));
          refused.client.destroy();
          expect(refused.answer.status).toBe(503);
        },
        { budgetMs: 20_000 },
      );
    },
    [backend],
  );
});

test('traffic-split: three of four connections to v1', async () => {
  await serve('traffic-split', async ({ backends, ask }) => {
    for (let at = 0; at < 80; at++) await ask({});
    // Two workers, each exact over its own periods of 4: at most one period of each is open.
    expect(backends.v1.requests).toBeGreaterThanOrEqual(57);
    expect(backends.v1.requests).toBeLessThanOrEqual(63);
    expect(backends.v1.requests + backends.v2.requests).toBe(80);
  });
});

test('path-header-query: /bar, and the three together, go to v2', async () => {
  await serve('path-header-query', async ({ ask }) => {
    expect((await ask({ target: '/bar' })).to).toBe('v2');
    expect((await ask({ target: '/some/thing?great=example', add: [['magic', 'foo']] })).to).toBe('v2');
    expect((await ask({ target: '/some/thing?great=example' })).to).toBe('v1');
    expect((await ask({ target: '/some/thing', add: [['magic', 'foo']] })).to).toBe('v1');
    expect((await ask({ target: '/' })).to).toBe('v1');
  });
});

test('header-rewrite: the crawler is renamed on its way to v2', async () => {
  const crawler =
    'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/';
  await serve('header-rewrite', async ({ ask }) => {
    const renamed = await ask({
      add: [
        ['User-Agent', crawler],
        ['client-custom-header', 'moo'],
      ],
    });
    expect(renamed.to).toBe('v2');
    expect(renamed.request?.all('user-agent')).toEqual(['SearchEngine-BingBot']);
    expect(renamed.request?.all('AGC-Header-Add')).toEqual(['agc-value']);
    expect(renamed.request?.all('client-custom-header')).toEqual([]);
    const other = await ask({ add: [['User-Agent', 'curl/7.81.0']] });
    expect(other.to).toBe('v1');
    expect(other.request?.all('user-agent')).toEqual(['curl/7.81.0']);
  });
});

test('url-rewrite: /shop reaches v1 as /ecommerce', async () => {
  await serve('url-rewrite', async ({ ask }) => {
    const { to, request } = await ask({ target: '/shop/cart?item=1' });
    expect({ to, target: request?.target, host: request?.one('host') }).toEqual({
      to: 'v1',
      target: '/ecommerce/cart?item=1',
      host: 'contoso.com',
    });
    expect((await ask({ target: '/shop' })).request?.target).toBe('/ecommerce');
    expect((await ask({ target: '/other' })).to).toBe('v2');
  });
});

test('multi-site: each hostname has its own backend', async () => {
  await serve('multi-site', async ({ ask }) => {
    expect((await ask({ host: 'contoso.com' })).to).toBe('v1');
    expect((await ask({ host: 'fabrikam.com' })).to).toBe('v2');
    expect((await ask({ host: 'adatum.com' })).answer.status).toBe(404);
  });
});

test('cors: a preflight is answered, other origins are refused', async () => {
  await serve('cors', async ({ ask, gateway }) => {
    const preflight = async (origin: string) => {
      const fields = [
        ['Host', 'contoso.com'],
        ['Origin', origin],
        ['Access-Control-Request-Method', 'POST'],
        ['Access-Control-Request-Headers', 'Content-Type'],
      ] as const;
      const client = await RawClient.connect(gateway);
      client.write(head('OPTIONS / HTTP/1.1', fields));
      const answer = await readAnswer(client);
      client.destroy();
      return answer.head;
    };
    const allowed = await preflight('https://www.contoso.com');
    expect([200, 204]).toContain(allowed.status);
    expect(allowed.one('access-control-allow-origin')).toBe('https://www.contoso.com');
    expect(allowed.one('access-control-allow-credentials')).toBe('true');
    expect(allowed.one('access-control-max-age')).toBe('600');
    expect(allowed.one('access-control-allow-methods')?.split(/, ?/)).toEqual(['GET', 'POST', 'OPTIONS']);
    expect((await preflight('https://www.adatum.com')).one('access-control-allow-origin')).toBeUndefined();
    const opened = await ask({ add: [['Origin', 'https://shop.fabrikam.com']] });
    expect({ to: opened.to, status: opened.answer.status }).toEqual({ to: 'v1', status: 101 });
    expect(opened.answer.one('access-control-allow-origin')).toBe('https://shop.fabrikam.com');
    expect(opened.answer.one('access-control-expose-headers')).toBe('X-Custom-Response-Header');
    const refused = await ask({ add: [['Origin', 'https://www.adatum.com']] });
    expect({ to: refused.to, status: refused.answer.status }).toEqual({ to: undefined, status: 403 });
  });
});

test('session-affinity: the cookie of the policy brings a client back', async () => {
  const backends = [await EchoBackend.start(), await EchoBackend.start(), await EchoBackend.start()];
  await withGateway(
    { config: scenario('session-affinity', { 'backend-v1': backends }) },
    async (gateway) => {
      const first = await RawClient.request(gateway, upgradeHead());
      first.client.destroy();
      const cookie = first.answer.one('set-cookie') ?? '';
      expect(cookie).toMatch(/^nomnom=[^;]+;.*Max-Age=3600/i);
      const chosen = backends.findIndex(({ requests }) => requests === 1);
      for (let at = 0; at < 10; at++) {
        const { client } = await RawClient.request(
          gateway,
          upgradeHead({ add: [['Cookie', cookie.split(';')[0] ?? '']] }),
        );
        client.destroy();
      }
      expect(backends[chosen]?.requests).toBe(11);
    },
    backends,
  );
});
