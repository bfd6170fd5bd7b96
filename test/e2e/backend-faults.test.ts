/** Backends that fail before the 101: another endpoint is tried where that is safe; else 502, 503 or 504. */
import { expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { Blackhole } from '../support/blackhole.js';
import { EchoBackend, refusingAddress } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway, withGateway } from '../support/scenario.js';

const flags = { 'answer-timeout': '400ms', 'connect-timeout': '400ms', 'linger-timeout': '200ms' };
const running = sharedGateway(
  async () => ({ backend: await EchoBackend.start() }),
  ({ backend }) => ({ config: { services: { echo: [backend] } }, flags }),
);

async function status(gateway: Gateway, target = '/echo'): Promise<number> {
  const client = await RawClient.connect(gateway);
  await client.write(upgradeHead({ target }));
  const head = await client.readHead();
  client.destroy();
  return head.status;
}

const wrong = [
  'wrong-accept',
  'no-accept',
  'no-upgrade',
  'other-upgrade',
  'no-connection',
  'http-1.0',
  'garbage',
  'huge-head',
  'endless-head',
  'two-framings',
  'partial-head',
];

test.each(wrong)('%s: 502, once, whole', async (fault) => {
  const { gateway, backends } = running();
  const client = await RawClient.connect(gateway);
  await client.write(upgradeHead({ target: `/?fault=${fault}` }));
  const answer = await readAnswer(client);
  expect(answer.head.status, answer.head.raw).toBe(502);
  expect(answer.body.toString()).toMatch(/backend/);
  expect(await client.readToEnd()).toHaveLength(0);
  client.end();
  const record = await gateway.accessLog.recordOf(`fault=${fault}`);
  expect(record).toMatchObject({ httpStatusCode: 502, backendPort: backends.backend.port });
  await eventually(() => expect(backends.backend.open).toBe(0));
});

test('an answer in bare LFs never gets through', async () => {
  expect([502, 504]).toContain(await status(running().gateway, '/?fault=bare-lf'));
});

test.each(['silent', 'slow-head&everyMs=50'])('%s: 504', async (fault) => {
  const { gateway, backends } = running();
  expect(await status(gateway, `/?fault=${fault}`)).toBe(504);
  await eventually(() => expect(backends.backend.open).toBe(0));
});

test('an answer that comes byte by byte, but in time', async () => {
  const backend = await EchoBackend.start();
  const config = { services: { echo: [backend] } };
  // Some 150 timers one behind the other: what they take together is the machine's affair.
  await withGateway(
    { config, flags: { 'answer-timeout': '20s' } },
    async (gateway) => {
      expect(await status(gateway, '/?fault=slow-head&everyMs=1')).toBe(101);
    },
    [backend],
  );
});

const HANDSHAKES = 24;

async function statuses(gateway: Gateway): Promise<number[]> {
  return await Promise.all(Array.from({ length: HANDSHAKES }, () => status(gateway)));
}

test('endpoints that refuse are passed over', async () => {
  const good = await EchoBackend.start();
  const bad = await Promise.all([refusingAddress('127.0.0.2'), refusingAddress('127.0.0.3')]);
  const config = { services: { echo: [...bad, good] } };
  await withGateway(
    { config, flags },
    async (gateway) => {
      expect(new Set(await statuses(gateway))).toEqual(new Set([101]));
    },
    [good],
  );
});

test('when every endpoint refuses: 502', async () => {
  const bad = await Promise.all(['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5'].map(refusingAddress));
  await withGateway({ config: { services: { echo: bad } }, flags }, async (gateway) => {
    expect(new Set(await statuses(gateway))).toEqual(new Set([502]));
  });
});

test.each(['reset-before-answer', 'close-before-answer'])('%s: another endpoint answers', async (fault) => {
  const bad = await EchoBackend.start({ fault });
  const good = await EchoBackend.start();
  await withGateway(
    { config: { services: { echo: [bad, good] } }, flags },
    async (gateway) => {
      expect(new Set(await statuses(gateway))).toEqual(new Set([101]));
      expect(good.requests).toBe(HANDSHAKES);
      expect(bad.requests).toBeGreaterThan(0);
    },
    [bad, good],
  );
});

test('a backend that always resets is tried once: 502', async () => {
  const bad = await EchoBackend.start({ fault: 'reset-before-answer' });
  await withGateway(
    { config: { services: { echo: [bad] } }, flags },
    async (gateway) => {
      expect(await status(gateway)).toBe(502);
      expect(bad.requests).toBe(1);
    },
    [bad],
  );
});

test('at most 3 endpoints are tried', async () => {
  const bad = await Promise.all([1, 2, 3, 4, 5].map(() => EchoBackend.start({ fault: 'reset-before-answer' })));
  await withGateway(
    { config: { services: { echo: bad } }, flags },
    async (gateway) => {
      expect(await status(gateway)).toBe(502);
      expect(bad.map(({ requests }) => requests).sort()).toEqual([0, 0, 1, 1, 1]);
    },
    bad,
  );
});

test('a handshake is not repeated once its answer has begun', async () => {
  const bad = await EchoBackend.start({ fault: 'partial-head' });
  const other = await EchoBackend.start({ fault: 'partial-head' });
  await withGateway(
    { config: { services: { echo: [bad, other] } }, flags },
    async (gateway) => {
      expect(await status(gateway)).toBe(502);
      expect(bad.requests + other.requests).toBe(1);
    },
    [bad, other],
  );
});

test('an endpoint that answers no SYN: 504 within the connect budget', async () => {
  const hole = await Blackhole.start();
  await withGateway(
    { config: { services: { echo: [hole] } }, flags },
    async (gateway) => {
      const before = performance.now();
      expect(await status(gateway)).toBe(504);
      expect(performance.now() - before).toBeLessThan(2_000);
    },
    [hole],
  );
});

test.each(['', 'bytes that nobody has read'])(
  'a client that resets while the backend is silent, behind "%s"',
  async (bytes) => {
    const backend = await EchoBackend.start();
    await withGateway(
      { config: { services: { echo: [backend] } } },
      async (gateway) => {
        const client = await RawClient.connect(gateway);
        await client.write(upgradeHead({ target: '/?fault=silent&left' }));
        await backend.exchange('left');
        await client.write(bytes);
        client.reset();
        await eventually(() => expect(backend.open).toBe(0));
        const record = await gateway.accessLog.recordOf('left');
        expect(['client-aborted', 'client-reset']).toContain(record.closeReason);
      },
      [backend],
    );
  },
);

test.each(['end', 'resetAndDestroy'] as const)(
  'a client that leaves with its head (%s) frees both sides',
  async (leave) => {
    const backend = await EchoBackend.start({ record: false });
    await withGateway(
      { config: { services: { echo: [backend] } } },
      async (gateway) => {
        const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(gateway)));
        for (const { socket } of clients) {
          socket.write(upgradeHead({ target: '/?fault=silent' }));
          socket[leave]();
        }
        // Long before the answer timeout of a minute.
        await gateway.settled();
        for (const client of clients) {
          client.destroy();
        }
        await eventually(() => expect(gateway.accessLog.records()).toHaveLength(clients.length));
      },
      [backend],
    );
  },
);
