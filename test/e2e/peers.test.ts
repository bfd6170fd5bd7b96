/** The test's own client and backends against each other, without a gateway: what they claim must be true first. */
import { expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { EchoBackend } from '../support/echo-backend.js';
import { upgradeHead } from '../support/heads.js';
import { PatternCheck, pattern } from '../support/pattern.js';
import { RawClient } from '../support/raw-client.js';
import { WsBackend } from '../support/ws-backend.js';
import { WsClient } from '../support/ws-client.js';

test('the echo backend completes the handshake and echoes, half-close included', async () => {
  const backend = await EchoBackend.start();
  const client = await RawClient.upgrade(backend);
  await client.write('some bytes');
  expect((await client.read(10)).toString()).toBe('some bytes');
  client.end();
  expect(await client.readToEnd()).toHaveLength(0);
  await backend.close();
  expect(backend.open).toBe(0);
});

const answers = [
  { body: 'length', status: 401, size: 12 },
  { body: 'chunked', status: 403, size: 50_000 },
  { body: 'eof', status: 500, size: 50_000 },
  { body: 'none', status: 204, size: 0 },
];

test.each(answers)('the echo backend answers $status with a body by $body', async ({ body, status, size }) => {
  const backend = await EchoBackend.start();
  const client = await RawClient.connect(backend);
  const target = `/?fault=answer&body=${body}&status=${status}&size=${size}`;
  await client.write(upgradeHead({ target }));
  const answer = await readAnswer(client);
  expect(answer.head.status).toBe(status);
  expect(answer.body.equals(pattern(size))).toBe(true);
  expect(answer.trailers).toEqual(body === 'chunked' ? [['X-Digest', 'of-the-body']] : []);
  client.destroy();
  await backend.close();
});

test('a reset is seen as a reset, a FIN as a FIN', async () => {
  const backend = await EchoBackend.start();
  const reset = await RawClient.upgrade(backend, { target: '/?fault=reset-on-data' });
  await reset.write('x');
  expect(await reset.outcome()).toBe('reset');
  const closed = await RawClient.upgrade(backend, { target: '/?fault=close-on-data' });
  await closed.write('x');
  expect(await closed.outcome()).toBe('fin');
  closed.destroy();
  await backend.close();
});

test('a flood arrives whole', async () => {
  const backend = await EchoBackend.start();
  const client = await RawClient.upgrade(backend, { target: '/?fault=flood&size=5000000' });
  const check = new PatternCheck();
  client.consume((chunk) => check.push(chunk));
  expect(await client.outcome()).toBe('fin');
  expect(check.bytes).toBe(5_000_000);
  client.destroy();
  await backend.close();
});

test('real WebSocket peers exchange messages and close codes', async () => {
  const backend = await WsBackend.start();
  const client = await WsClient.connect(backend);
  expect((await client.echo('hello')).data.toString()).toBe('hello');
  expect(await client.ping('payload')).toBe('payload');
  expect(await client.close(4001, 'done')).toEqual({ code: 4001, reason: 'done' });
  await backend.close();
});
