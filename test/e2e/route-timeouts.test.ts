/** Limits of a rule and of a route: each ends what it should, at its time, and the log says which it was. */
import { expect, test } from 'vitest';
import { Blackhole } from '../support/blackhole.js';
import { EchoBackend } from '../support/echo-backend.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';

const running = sharedGateway(
  async () => ({ backend: await EchoBackend.start(), nowhere: await Blackhole.start() }),
  ({ backend, nowhere }) => ({
    config: {
      services: { echo: [backend], gone: [nowhere] },
      routes: [
        {
          name: 'limits',
          annotations: {
            'sluice.dev/connect-timeout': '400ms',
            'sluice.dev/idle-timeout': '600ms',
            'sluice.dev/lifetime': '1500ms',
            'sluice.dev/lifetime-jitter': '0.2',
          },
          rules: [
            { prefix: '/request', timeouts: { request: '500ms' }, backends: ['echo'] },
            { prefix: '/attempt', timeouts: { request: '9s', backendRequest: '500ms' }, backends: ['echo'] },
            { prefix: '/off', timeouts: { request: '0s' }, backends: ['echo'] },
            { prefix: '/connect', backends: ['gone'] },
            { prefix: '/request-connect', timeouts: { request: '200ms' }, backends: ['gone'] },
            { prefix: '/stream', backends: ['echo'] },
          ],
        },
        { name: 'plain', rules: [{ prefix: '/plain', backends: ['echo'] }] },
      ],
    },
    flags: { 'answer-timeout': '1200ms', 'stream-idle-timeout': '20s' },
  }),
);

/** Ms from the request to the end of its answer. */
async function answered(target: string): Promise<{ ms: number; status: number; body: string }> {
  const client = await RawClient.connect(running().gateway);
  const asked = performance.now();
  await client.write(upgradeHead({ target }));
  const answer = await client.readHead();
  const ms = performance.now() - asked;
  const body = (await client.readToEnd()).toString();
  client.destroy();
  return { ms, status: answer.status, body };
}

const name = (rule: number): string => `rule ${rule} of test/limits`;
test.each([
  ['/request?fault=silent', 500, 'route-timeout', `${name(0)} allows 500 ms for the whole request`],
  ['/request?fault=slow-head&everyMs=50', 500, 'route-timeout', `${name(0)} allows 500 ms for the whole request`],
  ['/attempt?fault=silent', 500, 'answer-timeout', `${name(1)} allows 500 ms for an answer`],
  ['/off?fault=silent', 1200, 'answer-timeout', '-'],
  ['/plain?fault=silent', 1200, 'answer-timeout', '-'],
  ['/connect?n=1', 400, 'connect-timeout', `${name(3)} allows 400 ms for connecting`],
  ['/request-connect?n=1', 200, 'route-timeout', `${name(4)} allows 200 ms for the whole request`],
])('%s is answered with 504 after %i ms: %s', async (target, afterMs, refusal, refusalReason) => {
  const { ms, status, body } = await answered(target);
  expect([status, body]).toEqual([504, expect.stringContaining(`(${refusal})`)]);
  expect(ms).toBeGreaterThan(afterMs - 50);
  expect(ms).toBeLessThan(afterMs + 3000);
  expect(await running().gateway.accessLog.recordOf(target)).toMatchObject({ refusal, refusalReason });
});

test('a request that is answered in time may live longer than its bound', async () => {
  const { gateway } = running();
  const client = await RawClient.upgrade(gateway, { target: '/request?in-time' });
  const opened = performance.now();
  while (!client.ended && performance.now() - opened < 700) {
    await client.write('x');
    await client.read(1);
  }
  expect(client.ended).toBe(false);
  await client.outcome();
  client.destroy();
  // Idle for 600 ms after 700, or as old as 1.2 to 1.5 s: the jitter decides which comes first.
  expect(['idle-timeout', 'lifetime']).toContain((await gateway.accessLog.recordOf('in-time')).closeReason);
});

test("idle and lifetime are the route's own", async () => {
  const { gateway } = running();
  const idle = await RawClient.upgrade(gateway, { target: '/stream?idle' });
  const busy = await RawClient.upgrade(gateway, { target: '/stream?busy' });
  const other = await RawClient.upgrade(gateway, { target: '/plain?other' });
  const beat = setInterval(() => void busy.write('x').catch(() => undefined), 100);
  try {
    await Promise.all([idle.outcome(), busy.outcome()]);
  } finally {
    clearInterval(beat);
  }
  expect(other.ended).toBe(false);
  for (const client of [idle, busy, other]) client.destroy();
  expect((await gateway.accessLog.recordOf('?idle')).closeReason).toBe('idle-timeout');
  const record = await gateway.accessLog.recordOf('?busy');
  expect(record.closeReason).toBe('lifetime');
  expect(Number(record.timeTaken)).toBeGreaterThan(1150);
  expect(Number(record.timeTaken)).toBeLessThan(5000);
});
