/** Answers of the backend that are not 101 reach the client whole, and end when they are complete. */
import { expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { EchoBackend } from '../support/echo-backend.js';
import { upgradeHead } from '../support/heads.js';
import { pattern } from '../support/pattern.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';

const running = sharedGateway(
  async () => ({ backend: await EchoBackend.start() }),
  ({ backend }) => ({ config: { services: { echo: [backend] } } }),
);
let requests = 0;

function answerTarget(query: string): string {
  requests += 1;
  return `/?fault=answer&n=${requests}-&${query}`;
}

const answers = [
  { status: 401, body: 'length', size: 12 },
  { status: 401, body: 'length', size: 0 },
  { status: 403, body: 'length', size: 3_000_000 },
  { status: 302, body: 'chunked', size: 12 },
  { status: 500, body: 'chunked', size: 3_000_000 },
  { status: 503, body: 'chunked', size: 0 },
  { status: 401, body: 'eof', size: 12 },
  { status: 200, body: 'eof', size: 3_000_000 },
  { status: 204, body: 'none', size: 0 },
  { status: 304, body: 'none', size: 0 },
];

test.each(answers)('$status with $size bytes by $body', async ({ status, body, size }) => {
  const { gateway, backends } = running();
  const target = answerTarget(`status=${status}&body=${body}&size=${size}&chunk=7001`);
  const client = await RawClient.connect(gateway);
  await client.write(upgradeHead({ target }));
  const answer = await readAnswer(client);
  expect(answer.head.status).toBe(status);
  expect(answer.head.startLine).toBe(`HTTP/1.1 ${status} Answer`);
  expect(answer.head.one('x-backend')).toBe('says so');
  expect(answer.head.one('www-authenticate')).toBe('Bearer');
  expect(answer.head.one('connection')).toBe('close');
  expect(answer.head.one('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  expect(answer.body.equals(pattern(size))).toBe(true);
  expect(answer.trailers).toEqual(body === 'chunked' ? [['X-Digest', 'of-the-body']] : []);
  // The backend keeps its connection open: only the answer's own framing can have ended this.
  expect(await client.readToEnd(2_000)).toHaveLength(0);
  client.end();
  const record = await gateway.accessLog.recordOf(`n=${requests}-`);
  expect(record).toMatchObject({ httpStatusCode: status, closeReason: 'relayed' });
  expect(record.responseBodyBytes).toBeGreaterThanOrEqual(size);
  await backends.backend.exchange(`n=${requests}-`);
});

test('an answer that ends early is passed on as far as it came, and logged', async () => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  await client.write(upgradeHead({ target: answerTarget('body=short&size=100') }));
  expect((await client.readHead()).one('content-length')).toBe('110');
  expect((await client.read(100)).equals(pattern(100))).toBe(true);
  await client.outcome();
  client.destroy();
  expect((await gateway.accessLog.recordOf(`n=${requests}-`)).closeReason).toBe('relay-truncated');
});

test('a client that leaves inside a large answer', async () => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  await client.write(upgradeHead({ target: answerTarget('body=length&size=20000000') }));
  await client.readHead();
  client.reset();
  const record = await gateway.accessLog.recordOf(`n=${requests}-`);
  expect(['client-reset', 'client-closed', 'client-aborted']).toContain(record.closeReason);
});

test('a client that reads slowly gets a large answer whole', async () => {
  const client = await RawClient.connect(running().gateway);
  client.pause();
  const size = 20_000_000;
  const target = answerTarget(`body=chunked&size=${size}&chunk=50000`);
  await client.write(upgradeHead({ target }));
  await running().backends.backend.exchange(`n=${requests}-`);
  client.resume();
  const answer = await readAnswer(client);
  expect(answer.body).toHaveLength(size);
  expect(answer.body.equals(pattern(size))).toBe(true);
  client.destroy();
});

test('what the client sends behind a refused handshake does not disturb the answer', async () => {
  const client = await RawClient.connect(running().gateway);
  await client.write(`${upgradeHead({ target: answerTarget('status=401&size=50000') })}early stream bytes`);
  await client.write('and more');
  const answer = await readAnswer(client);
  expect(answer.body.equals(pattern(50_000))).toBe(true);
  expect(await client.outcome()).toBe('fin');
  client.end();
});
