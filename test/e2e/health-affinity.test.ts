/**
 * Session affinity while endpoints come, go and fail: two gateways of two workers on one bus lead a client's cookie to its
 * backend, also after scale-out, and to another one with a new cookie while that one may not be chosen.
 */

import type { HealthStatus } from '@sluice/shared/health/table';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { HealthBackend } from '../support/health-backend.js';
import { answered, shows } from '../support/health-gateway.js';
import { HealthPublisher } from '../support/health-publisher.js';
import { RawClient } from '../support/raw-client.js';
import { RedisServer } from '../support/redis.js';

const BACKENDS = 6;
const FIRST = 3;
/** Visits to each gateway: each of its workers gets some of them. */
const VISITS = 6;
let redis: RedisServer;
let publisher: HealthPublisher;
const backends: HealthBackend[] = [];
const gateways: Gateway[] = [];

beforeAll(async () => {
  redis = await RedisServer.start();
  for (let left = BACKENDS; left > 0; left -= 1) backends.push(await HealthBackend.start());
  publisher = new HealthPublisher(redis.options());
  const config = {
    services: { echo: backends.slice(0, FIRST) },
    routes: [{ rules: [{ backends: ['echo'] }], affinity: { affinityType: 'managed-cookie' } }],
    balancing: { echo: { strategy: 'ring-hash' } },
  };
  for (let left = 2; left > 0; left -= 1) {
    gateways.push(await Gateway.start({ config, flags: { redis: redis.url, 'eject-after': '0' } }));
  }
});
afterAll(async () => {
  await publisher?.close();
  for (const gateway of gateways) await gateway.stop().finally(() => gateway.kill());
  for (const each of [...backends, redis]) await each?.close();
});

/** The first `count` backends are healthy but for these; waits until both gateways know it. */
async function become(count: number, others: Readonly<Record<number, HealthStatus>> = {}): Promise<void> {
  const said = backends.slice(0, count).map((backend, index) => [backend, others[index] ?? 'healthy'] as const);
  publisher.says({ echo: said });
  for (const gateway of gateways) {
    await shows(
      gateway,
      said.map(([backend, status]) => [backend, status.toUpperCase()]),
    );
  }
}

interface Visit {
  /** Of the backend that was reached. */
  readonly index: number;
  /** The cookie that the answer sets; '' for none. */
  readonly cookie: string;
}

async function visit(gateway: Gateway, cookie: string): Promise<Visit> {
  const before = backends.map(({ opened }) => opened);
  const add = cookie === '' ? [] : [['Cookie', cookie] as const];
  const { client, answer } = await RawClient.request(gateway, upgradeHead({ add }));
  client.destroy();
  expect(answer.status).toBe(101);
  const index = backends.findIndex(({ opened }, at) => opened !== before[at]);
  return { index, cookie: answer.one('set-cookie')?.split(';')[0] ?? '' };
}

/** Every worker of both gateways leads this cookie there, and sets none. */
async function leads(cookie: string, index: number): Promise<void> {
  for (const gateway of gateways) {
    for (let left = VISITS; left > 0; left -= 1) expect(await visit(gateway, cookie)).toEqual({ index, cookie: '' });
  }
}

/** Every worker of both gateways leads this cookie to one and the same other backend, and sets that one's cookie. */
async function movesOn(cookie: string): Promise<Visit> {
  const visits = [];
  for (const gateway of gateways)
    for (let left = VISITS; left > 0; left -= 1) visits.push(await visit(gateway, cookie));
  const [first] = visits as [Visit];
  expect(visits).toEqual(visits.map(() => first));
  expect(first.cookie).toMatch(/^AGCAffinity=[0-9a-f]{16}$/);
  expect(first.cookie).not.toBe(cookie);
  return first;
}

/** The cookies of the first backends, by way of foreign values that the ring leads anywhere. */
async function cookies(): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>();
  for (let value = 0; value < 200 && found.size < FIRST; value += 1) {
    const { index, cookie } = await visit(gateways[value % gateways.length] as Gateway, `AGCAffinity=foreign-${value}`);
    expect(found.get(index) ?? cookie).toBe(cookie);
    found.set(index, cookie);
  }
  expect(found.size).toBe(FIRST);
  return found;
}

test('a cookie keeps its backend in every worker of both gateways, when others come and go', async () => {
  await become(FIRST);
  const all = await cookies();
  for (const [index, cookie] of all) await leads(cookie, index);
  await become(BACKENDS);
  for (const [index, cookie] of all) await leads(cookie, index);
  // Some without a cookie do reach those that came.
  const reached = new Set<number>();
  for (let value = 0; value < 200 && reached.size < BACKENDS; value += 1) {
    reached.add((await visit(gateways[0] as Gateway, `AGCAffinity=new-${value}`)).index);
  }
  expect(reached.size).toBe(BACKENDS);
  await become(FIRST);
  for (const [index, cookie] of all) await leads(cookie, index);
});

test.each(['unhealthy', 'draining'] as const)(
  'an endpoint that is %s passes its clients on, with a new cookie',
  async (status) => {
    await become(FIRST);
    const all = await cookies();
    const [index, cookie] = [...all][0] as [number, string];
    await become(FIRST, { [index]: status });
    const moved = await movesOn(cookie);
    expect(moved.index).not.toBe(index);
    expect(moved.cookie).toBe(all.get(moved.index));
    await leads(moved.cookie, moved.index);
    // The others' clients stay where they are.
    for (const [other, kept] of all) if (other !== index) await leads(kept, other);
    // When it is back, whoever has moved stays, and whoever kept the old cookie comes back.
    await become(FIRST);
    await leads(moved.cookie, moved.index);
    await leads(cookie, index);
  },
);

test('an endpoint that is removed passes its clients on likewise; with none left there is no answer but 503', async () => {
  await become(FIRST);
  const all = await cookies();
  await become(FIRST - 1);
  const moved = await movesOn(all.get(FIRST - 1) ?? '');
  expect(moved.cookie).toBe(all.get(moved.index));
  await leads(moved.cookie, moved.index);
  await become(2, { 0: 'unhealthy', 1: 'unhealthy' });
  for (const gateway of gateways) expect(await answered(gateway)).toBe(503);
});
