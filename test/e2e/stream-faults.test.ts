/** Ends of spliced connections: clean and unclean, from either side, with bytes in flight. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { PatternCheck, pattern } from '../support/pattern.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';

const MB = 1_000_000;
const running = sharedGateway(
  async () => ({ backend: await EchoBackend.start() }),
  ({ backend }) => ({ config: { services: { echo: [backend] } } }),
);
let requests = 0;

/** A spliced connection whose request target carries `n=…-`, to be found again at the backend and in the log. */
async function spliced(query = ''): Promise<{ client: RawClient; mark: string }> {
  requests += 1;
  const mark = `n=${requests}-`;
  return { client: await RawClient.upgrade(running().gateway, { target: `/echo?${mark}&${query}` }), mark };
}

test('the client ends its direction with bytes in flight: all of them come back, then FIN', async () => {
  const { client, mark } = await spliced();
  const check = new PatternCheck();
  client.consume((chunk) => check.push(chunk));
  client.socket.end(pattern(5 * MB));
  expect(await client.outcome()).toBe('fin');
  expect(check.bytes).toBe(5 * MB);
  expect(await running().gateway.accessLog.recordOf(mark)).toMatchObject({
    closeReason: 'client-closed',
    requestBodyBytes: 5 * MB,
    responseBodyBytes: 5 * MB,
  });
});

test('the backend ends its direction: the client may still send', async () => {
  const { client, mark } = await spliced('fault=half-close&size=100000');
  expect((await client.readToEnd()).equals(pattern(100_000))).toBe(true);
  const { socket } = await running().backends.backend.exchange(mark);
  const before = socket.bytesRead;
  await client.write(pattern(5 * MB));
  client.end();
  await eventually(() => expect(socket.bytesRead - before).toBe(5 * MB));
  expect(await running().gateway.accessLog.recordOf(mark)).toMatchObject({
    closeReason: 'backend-closed',
    requestBodyBytes: 5 * MB,
    responseBodyBytes: 100_000,
  });
});

test('a last message and FIN in one segment', async () => {
  const { client } = await spliced();
  client.socket.cork();
  client.socket.write('last words');
  client.socket.end();
  client.socket.uncork();
  expect((await client.readToEnd()).toString()).toBe('last words');
});

test('the client resets: the backend sees the end', async () => {
  const { client, mark } = await spliced();
  await client.write('some bytes');
  await client.read(10);
  const { socket } = await running().backends.backend.exchange(mark);
  const seen = once(socket, 'close');
  client.reset();
  await seen;
  expect(await running().gateway.accessLog.recordOf(mark)).toMatchObject({
    closeReason: 'client-reset',
    requestBodyBytes: 10,
    responseBodyBytes: 10,
  });
});

test.each(['reset-on-data', 'reset-after-101'])('%s: the client sees the end', async (fault) => {
  const { client, mark } = await spliced(`fault=${fault}`);
  client.socket.write('x');
  await client.outcome();
  client.destroy();
  expect((await running().gateway.accessLog.recordOf(mark)).closeReason).toBe('backend-reset');
});

test('bytes that arrived before a FIN are delivered before it, however many', async () => {
  const { client } = await spliced(`fault=flood&size=${20 * MB}`);
  const check = new PatternCheck();
  client.consume((chunk) => check.push(chunk));
  expect(await client.outcome()).toBe('fin');
  expect(check.bytes).toBe(20 * MB);
  client.end();
});

test('a client that leaves without reading what was sent', async () => {
  const { client, mark } = await spliced(`fault=flood&size=${20 * MB}`);
  client.pause();
  await running().backends.backend.exchange(mark);
  client.destroy();
  const record = await running().gateway.accessLog.recordOf(mark);
  expect(['client-reset', 'client-closed', 'client-vanished']).toContain(record.closeReason);
});

test('both sides reset at once, many times', async () => {
  const pairs = await Promise.all(Array.from({ length: 100 }, () => spliced()));
  for (const { client, mark } of pairs) {
    const { socket } = await running().backends.backend.exchange(mark);
    socket.resetAndDestroy();
    client.reset();
  }
  await eventually(() => {
    const marks = new Set(pairs.map(({ mark }) => mark));
    const logged = running()
      .gateway.accessLog.records()
      .filter((record) => [...marks].some((mark) => String(record.requestUri).includes(`?${mark}`)));
    expect(logged).toHaveLength(pairs.length);
  });
});

test('a flood beside quiet connections does not silence them', async () => {
  const { client: flooded } = await spliced();
  const check = new PatternCheck();
  flooded.consume((chunk) => check.push(chunk));
  flooded.socket.end(pattern(100 * MB));
  const quiet = await Promise.all(Array.from({ length: 4 }, () => spliced()));
  let slowestMs = 0;
  for (let round = 0; check.bytes < 100 * MB && round < 500; round += 1) {
    const before = performance.now();
    await Promise.all(
      quiet.map(async ({ client }) => {
        await client.write('ping');
        await client.read(4);
      }),
    );
    slowestMs = Math.max(slowestMs, performance.now() - before);
  }
  expect(slowestMs).toBeLessThan(500);
  expect(await flooded.outcome(30_000)).toBe('fin');
  expect(check.bytes).toBe(100 * MB);
  for (const { client } of quiet) {
    client.end();
    expect(await client.outcome()).toBe('fin');
  }
});
