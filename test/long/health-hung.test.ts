/**
 * A backend that hangs: its kernel takes connections, and nobody answers. Within its verdict's time nothing new goes there;
 * what had gone there before ends in 504 within the answer timeout; what is open stays, and goes on when it wakes up.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BackendProcess } from '../support/backend-process.js';
import { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { shows } from '../support/health-gateway.js';
import { Healthd } from '../support/healthd.js';
import { manifests } from '../support/manifests.js';
import { RawClient } from '../support/raw-client.js';
import { RedisServer } from '../support/redis.js';

const PROBE = {
  interval: '200ms',
  timeout: '300ms',
  unhealthyThreshold: 2,
  protocol: 'WebSocket',
  websocket: { path: '/echo?probe' },
};
/** Two failures: an interval and a timeout each. */
const VERDICT_MS = 1_000;
const ANSWER_TIMEOUT_MS = 1_500;
/** What a busy machine may add. */
const BUSY_MS = 4_000;
/** Handshakes that are sent right after the hang: in turn, half of them to the backend that hangs. */
const EARLY = 16;

let hanging: BackendProcess;
let good: BackendProcess;

beforeEach(async () => {
  [hanging, good] = [await BackendProcess.start(), await BackendProcess.start()];
});
afterEach(async () => {
  hanging.child.kill('SIGCONT');
  await hanging.close();
  await good.close();
});

interface Answer {
  readonly status: number;
  readonly elapsedMs: number;
}

async function ask(gateway: Gateway): Promise<Answer> {
  const client = await RawClient.connect(gateway);
  const beganMs = performance.now();
  await client.write(upgradeHead());
  const { status } = await client.readHead(ANSWER_TIMEOUT_MS + 2 * BUSY_MS);
  client.destroy();
  return { status, elapsedMs: performance.now() - beganMs };
}

async function says(client: RawClient, line: string): Promise<void> {
  await client.write(line);
  expect((await client.read(line.length)).toString()).toBe(line);
}

async function hangs(gateway: Gateway): Promise<void> {
  const both = (status: string) => [[hanging, status] as const, [good, 'HEALTHY'] as const];
  await shows(gateway, both('HEALTHY'));
  const open = await Promise.all(Array.from({ length: 4 }, () => RawClient.upgrade(gateway)));
  for (const client of open) await says(client, 'before');

  const hungMs = performance.now();
  hanging.child.kill('SIGSTOP');
  const early = Promise.all(Array.from({ length: EARLY }, () => ask(gateway)));
  await shows(gateway, both('UNHEALTHY'));
  const verdictMs = performance.now() - hungMs;
  expect(verdictMs).toBeLessThan(VERDICT_MS + BUSY_MS);
  const later = await Promise.all(Array.from({ length: EARLY }, () => ask(gateway)));
  expect(later.map(({ status }) => status)).toEqual(later.map(() => 101));

  const answers = await early;
  const failed = answers.filter(({ status }) => status !== 101);
  console.log(`verdict after ${Math.round(verdictMs)} ms; of ${EARLY} early handshakes ${failed.length} were late`);
  expect(failed.length).toBeGreaterThan(0);
  // Each of the two workers takes turns by itself.
  expect(failed.length).toBeLessThanOrEqual(EARLY / 2 + 2);
  for (const { status, elapsedMs } of failed) {
    expect(status).toBe(504);
    expect(elapsedMs).toBeGreaterThan(ANSWER_TIMEOUT_MS - 100);
    expect(elapsedMs).toBeLessThan(ANSWER_TIMEOUT_MS + BUSY_MS);
  }

  hanging.child.kill('SIGCONT');
  for (const client of open) await says(client, 'after');
  await shows(gateway, both('HEALTHY'));
  for (const client of open) client.destroy();
}

const flags = { 'answer-timeout': `${ANSWER_TIMEOUT_MS}ms` };

function config(): string {
  return manifests({ services: { echo: [hanging, good] }, probes: { echo: PROBE } });
}

async function withIts(gateway: Gateway): Promise<void> {
  try {
    await hangs(gateway);
    await gateway.settled();
    await gateway.stop();
  } finally {
    await gateway.kill();
  }
}

test('under the embedded daemon', async () => {
  await withIts(await Gateway.start({ config: config(), flags: { ...flags, health: 'embedded' } }));
});

test('under a daemon over Redis', async () => {
  const redis = await RedisServer.start();
  try {
    const daemon = await Healthd.start(config(), redis.url);
    try {
      await withIts(await Gateway.start({ config: config(), flags: { ...flags, redis: redis.url } }));
    } finally {
      await daemon.close();
    }
  } finally {
    await redis.close();
  }
});
