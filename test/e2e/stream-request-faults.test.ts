/** Plain requests to backends that misbehave, over TCP and over TLS: each fault, what its client gets, and the record. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { eventually } from '../support/eventually.js';
import { PIECES } from '../support/faults/requests.js';
import { FaultyBackend } from '../support/faulty-backend.js';
import { HttpBackend } from '../support/http-backend.js';
import { manifests } from '../support/manifests.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';
import { authoritySecret, verifiedBackends } from '../support/tls-manifests.js';
import { TlsWorld } from '../support/tls-world.js';

const NAME = 'backend.example.com';
const IDLE_MS = 1200;
const PAUSE_MS = 300;

const running = sharedGateway(
  async () => {
    const world = new TlsWorld();
    const { chain, key } = world.authority.issue(NAME);
    const tls = { cert: chain, key };
    const [plain, secure] = [await FaultyBackend.start(PAUSE_MS), await FaultyBackend.start(PAUSE_MS, tls)];
    return { world, plain, secure, events: await HttpBackend.start(), 'secure-events': await HttpBackend.start(tls) };
  },
  ({ world, ...backends }) => {
    const services = Object.fromEntries(Object.entries(backends).map(([name, backend]) => [name, [backend]]));
    const path = { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' };
    const filters = [{ type: 'URLRewrite', urlRewrite: { path } }];
    const rules = Object.keys(services).map((name) => ({ prefix: `/${name}`, backends: [name], filters }));
    const documents = [
      authoritySecret('ca', world.authority.certificate),
      verifiedBackends('secure', NAME),
      verifiedBackends('secure-events', NAME),
    ].map((each) => JSON.stringify(each));
    return {
      config: [manifests({ services, routes: [{ rules }] }), ...documents].join('\n---\n'),
      flags: { 'stream-idle-timeout': `${IDLE_MS}ms`, 'answer-timeout': '1s', 'eject-after': '0' },
    };
  },
);
afterEach(() => {
  const { world: _, ...backends } = running().backends;
  for (const backend of Object.values(backends)) backend.closeIdle();
});

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const post = (path: string, bytes: number) => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`;

describe.each(['plain', 'secure'] as const)('to a %s backend', (backend) => {
  test.each([
    ['reset', 502, 'upstream-reset'],
    ['close', 502, 'upstream-reset'],
    ['silent', 504, 'answer-timeout'],
    ['head-stalls', 504, 'answer-timeout'],
    ['head-cut', 502, 'upstream-reset'],
    ['head-large', 502, 'upstream-head-too-large'],
    ['no-answer', 502, 'upstream-malformed'],
    ['two-lengths', 502, 'upstream-malformed'],
    ['length-and-chunks', 502, 'upstream-malformed'],
  ])('%s: %i %s', async (fault, status, refusal) => {
    const { gateway } = running();
    const client = await RawClient.connect(gateway);
    await client.write(get(`/${backend}/${fault}`));
    const { head, body } = await readAnswer(client);
    expect([head.status, body.toString()]).toEqual([status, expect.stringContaining(`(${refusal})`)]);
    expect(await client.outcome()).toBe('fin');
    const record = await gateway.accessLog.record({ trackingId: String(head.one('x-request-id')) });
    expect(record).toMatchObject({ httpStatusCode: status, refusal, closeReason: 'refused' });
    client.destroy();
  });

  test.each([
    ['body-stalls', 'idle-timeout'],
    ['body-cut', 'relay-truncated'],
    ['body-reset', 'relay-truncated'],
    ['chunk-broken', 'relay-truncated'],
    ['chunks-cut', 'relay-truncated'],
  ])('%s: the client sees that it has not all', async (fault, closeReason) => {
    const { gateway } = running();
    const { client, answer } = await RawClient.request(gateway, get(`/${backend}/${fault}`));
    expect(answer.status).toBe(200);
    await client.outcome();
    expect(client.buffered.toString()).toMatch(/^(4\r\n)?half(\r\n)?$/);
    const record = await gateway.accessLog.record({ trackingId: String(answer.one('x-request-id')) });
    expect(record).toMatchObject({ httpStatusCode: 200, closeReason, responseBodyBytes: 4 });
    client.destroy();
  });

  test.each([
    ['fine', 'fine'],
    ['head-in-pieces', 'ok'],
    ['body-slow', 'slow'.repeat(PIECES)],
    ['more-than-whole', 'fine'],
  ])('%s: the answer is whole, and so is the next one', async (fault, whole) => {
    const client = await RawClient.connect(running().gateway);
    for (const [name, body] of [
      [fault, whole],
      ['fine', 'fine'],
    ]) {
      await client.write(get(`/${backend}/${name}`));
      expect((await readAnswer(client)).body.toString()).toBe(body);
    }
    client.destroy();
  });

  test('a body that the backend does not read holds its client, and ends by the idle limit', async () => {
    const { gateway } = running();
    const client = await RawClient.connect(gateway);
    await client.write(post(`/${backend}/body-unread`, 64 * 1024 * 1024));
    client.socket.write(Buffer.alloc(64 * 1024 * 1024));
    await client.outcome();
    const record = await gateway.accessLog.recordOf(`/${backend}/body-unread`);
    expect(record.closeReason).toBe('idle-timeout');
    expect(Number(record.requestBodyBytes)).toBeLessThan(32 * 1024 * 1024);
    client.destroy();
  });

  test('a body that comes slowly is whole; one that stops ends by the idle limit', async () => {
    const { gateway } = running();
    const events = backend === 'plain' ? 'events' : 'secure-events';
    const client = await RawClient.connect(gateway);
    await client.write(post(`/${events}/echo`, PIECES));
    for (let n = 0; n < PIECES; n++) {
      await delay(PAUSE_MS);
      await client.write('x');
    }
    expect(JSON.parse((await readAnswer(client)).body.toString()).body).toBe('x'.repeat(PIECES));
    await client.write(post(`/${events}/echo?stops`, PIECES));
    await client.write('x');
    await client.outcome();
    expect((await gateway.accessLog.recordOf(`/${events}/echo?stops`)).closeReason).toBe('idle-timeout');
    client.destroy();
  });

  test('events flow at once, for longer than the idle limit, which ends them when there are none', async () => {
    const { gateway, backends } = running();
    const name = backend === 'plain' ? 'events' : 'secure-events';
    const { client, answer } = await RawClient.request(gateway, get(`/${name}/events`));
    const response = await backends[name].answering('/events');
    const beganAt = performance.now();
    for (let n = 0; performance.now() - beganAt < IDLE_MS * 2; n++) {
      response.write(`data: ${n % 10}\n\n`);
      expect((await client.read(14)).toString()).toBe(`9\r\ndata: ${n % 10}\n\n\r\n`);
      await delay(PAUSE_MS);
    }
    await client.outcome();
    const record = await gateway.accessLog.record({ trackingId: String(answer.one('x-request-id')) });
    expect(record.closeReason).toBe('idle-timeout');
    client.destroy();
  });

  test.each(['fine', 'silent', 'head-in-pieces', 'body-slow', 'body-stalls', 'body-unread'])(
    'clients that leave while the backend does this leave nothing behind: %s',
    async (fault) => {
      const { gateway } = running();
      const clients = await Promise.all(Array.from({ length: 6 }, () => RawClient.connect(gateway)));
      await Promise.all(clients.map((client) => client.write(post(`/${backend}/${fault}?left`, 10))));
      for (const [at, client] of clients.entries()) {
        if (at % 3 === 0) client.reset();
        else if (at % 3 === 1) client.end();
        else client.destroy();
      }
      await eventually(() => {
        const records = gateway.accessLog
          .records()
          .filter(({ requestUri }) => requestUri === `/${backend}/${fault}?left`);
        expect(records).toHaveLength(clients.length);
      });
      for (const client of clients) client.destroy();
    },
  );
});
