/** The embedded health daemon over a real channel: discovery, verdicts in time, thresholds, and the end of the channel. */
import { lookup } from 'node:dns/promises';
import { afterEach, expect, test } from 'vitest';
import { refusingAddress } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { EmbeddedHealthd, HealthRecord } from '../support/healthd.js';
import { ProbedBackend } from '../support/healthd-backend.js';
import { type ProbedService, probedServices } from '../support/healthd-manifests.js';
import type { Closable } from '../support/scenario.js';

const INTERVAL_MS = 200;
const POLICY = { interval: `${INTERVAL_MS}ms`, timeout: '400ms', healthyThreshold: 1, unhealthyThreshold: 2 };
/** What a busy machine may add to a verdict. */
const SLACK_MS = 5000;

const open: Closable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

function own<T extends Closable>(closable: T): T {
  open.push(closable);
  return closable;
}

function start(...services: readonly ProbedService[]): { daemon: EmbeddedHealthd; record: HealthRecord } {
  const daemon = own(EmbeddedHealthd.start(probedServices(...services), ['--resolve-interval', '200ms']));
  return { daemon, record: own(new HealthRecord(daemon)) };
}

async function probed(policy: Readonly<Record<string, unknown>> = {}) {
  const backend = own(await ProbedBackend.start());
  const { port, address } = backend;
  const slice = { type: 'IPv4', port, endpoints: [{ address }] } as const;
  return { backend, end: `${address}:${port}`, ...start({ name: 'chat', slice, policy: { ...POLICY, ...policy } }) };
}

test('a name: every address that it has is an endpoint, from DNS and from an FQDN slice', async () => {
  const backend = own(await ProbedBackend.start());
  const { port } = backend;
  const { record } = start(
    { name: 'by-dns', dnsName: 'localhost', targetPort: port, policy: POLICY },
    { name: 'by-slice', slice: { type: 'FQDN', port, endpoints: [{ address: 'localhost' }] }, policy: POLICY },
    { name: 'nowhere', dnsName: 'nowhere.invalid', targetPort: port, policy: POLICY },
  );
  for (const service of ['by-dns', 'by-slice']) {
    await record.shows(`test/${service}/80/127.0.0.1:${port}`, { status: 'healthy', why: '' });
  }
  const addresses = new Set((await lookup('localhost', { all: true, verbatim: true })).map(({ address }) => address));
  const keys = [...(record.subscriber.table?.endpoints.keys() ?? [])];
  expect(keys.filter((key) => key.startsWith('test/by-dns/80/'))).toHaveLength(addresses.size);
  await eventually(() => expect([...(record.subscriber.table?.services ?? [])]).toContain('test/nowhere/80'));
  expect(keys.filter((key) => key.startsWith('test/nowhere/'))).toEqual([]);
});

test('a backend that dies is unhealthy in time, with the reason, and healthy again when it is back', async () => {
  const { backend, record, end } = await probed();
  await record.shows(end, { status: 'healthy', why: '' });
  const diedMs = performance.now();
  await backend.close();
  const { why } = await record.shows(end, { status: 'unhealthy' }, 2 * INTERVAL_MS + SLACK_MS);
  console.log(`unhealthy after ${Math.round(performance.now() - diedMs)} ms: ${why}`);
  expect(why).toMatch(/refused/);
  await backend.rise();
  await record.shows(end, { status: 'healthy', why: '' }, INTERVAL_MS + SLACK_MS);
  expect(record.statuses(end).filter((status) => status !== 'unknown')).toEqual(['healthy', 'unhealthy', 'healthy']);
});

test('a backend that hangs is unhealthy when its probes have run out of time', async () => {
  const { backend, record, end } = await probed();
  await record.shows(end, { status: 'healthy' });
  backend.hang();
  const { why } = await record.shows(end, { status: 'unhealthy' });
  expect(why).toMatch(/no answer within/);
  backend.resume();
  await record.shows(end, { status: 'healthy', why: '' });
});

test('thresholds hold: two failures in a row of three change nothing, and say why', async () => {
  const { backend, record, end } = await probed({ unhealthyThreshold: 3 });
  await record.shows(end, { status: 'healthy' });
  backend.answer(500, 500, 200);
  await backend.asked(12);
  expect(record.statuses(end).filter((status) => status !== 'unknown')).toEqual(['healthy']);
  expect(record.tables.some(({ endpoints }) => [...endpoints.values()].some(({ why }) => /500/.test(why)))).toBe(true);
  backend.answer(503);
  await record.shows(end, { status: 'unhealthy' });
});

test('thresholds hold: an unhealthy endpoint needs its successes in a row', async () => {
  const { backend, record, end } = await probed({ healthyThreshold: 3, unhealthyThreshold: 1 });
  backend.answer(500);
  await record.shows(end, { status: 'unhealthy' });
  backend.answer(200, 200, 500);
  await backend.asked(12);
  expect(record.statuses(end).at(-1)).toBe('unhealthy');
  backend.answer(200);
  await record.shows(end, { status: 'healthy', why: '' });
});

test('a draining endpoint is known and is not probed', async () => {
  const [going, staying] = [own(await ProbedBackend.start('127.0.0.2')), own(await ProbedBackend.start())];
  const service = (name: string, { address, port }: ProbedBackend, draining: boolean): ProbedService => {
    return { name, slice: { type: 'IPv4', port, endpoints: [{ address, draining }] }, policy: POLICY };
  };
  const { record } = start(service('going', going, true), service('staying', staying, false));
  await record.shows(`:${staying.port}`, { status: 'healthy' });
  await staying.asked(5);
  await record.shows(`:${going.port}`, { status: 'draining', probedAtMs: 0 });
  expect(going.requests).toBe(0);
});

test('signals are for the parent: the daemon goes on until its channel ends, and then ends with 0', async () => {
  const { backend, daemon, record, end } = await probed();
  await record.shows(end, { status: 'healthy' });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) daemon.child.kill(signal);
  await backend.asked(3);
  backend.answer(500);
  await record.shows(end, { status: 'unhealthy' });
  daemon.child.disconnect();
  expect(await daemon.end()).toEqual({ code: 0, signal: null });
});

test('a channel that ends before anything was said ends the daemon too', async () => {
  const { address, port } = await refusingAddress();
  const slice = { type: 'IPv4', port, endpoints: [{ address }] } as const;
  const daemon = own(EmbeddedHealthd.start(probedServices({ name: 'chat', slice })));
  daemon.child.disconnect();
  expect(await daemon.end()).toEqual({ code: expect.toBeOneOf([0, 2]), signal: null });
});

test('a daemon that replaces a dead one goes on from what was known', async () => {
  const { backend, daemon, record, end } = await probed({ unhealthyThreshold: 3, healthyThreshold: 3 });
  backend.answer(500);
  const before = await record.shows(end, { status: 'unhealthy' });
  await daemon.close();
  const { address, port } = backend;
  const slice = { type: 'IPv4', port, endpoints: [{ address }] } as const;
  const policy = { ...POLICY, interval: '1h' };
  const second = own(EmbeddedHealthd.start(probedServices({ name: 'chat', slice, policy })));
  record.subscriber.attach(second.child);
  await eventually(() => expect(record.subscriber.table?.publisher).toContain(String(second.pid)), {
    budgetMs: 20_000,
  });
  expect(await record.shows(end, {})).toEqual({
    ...before,
    probedAtMs: expect.any(Number),
    probeMs: expect.any(Number),
  });
  expect(record.statuses(end).at(-1)).toBe('unhealthy');
});
