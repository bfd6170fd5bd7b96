/**
 * Configuration that changes under health daemons and a real Redis: what an edit adds, removes and changes, what changes
 * nothing, and a roll-out over two daemons in which no endpoint that both know is lost.
 */
import type { StatusTable } from '@sluice/shared/health/table';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Exposition } from '../support/exposition.js';
import { findRecord, Healthd } from '../support/healthd.js';
import { ProbedBackend } from '../support/healthd-backend.js';
import { type ProbedService, probedServices } from '../support/healthd-manifests.js';
import { RedisServer } from '../support/redis.js';
import { Subscribed } from '../support/redis-bus.js';
import type { Closable } from '../support/scenario.js';

const POLICY = { interval: '200ms', timeout: '400ms', healthyThreshold: 1, unhealthyThreshold: 2 };
const BUDGET_MS = 20_000;

const open: Closable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

function own<T extends Closable>(closable: T): T {
  open.push(closable);
  return closable;
}

function service(name: string, { address, port }: ProbedBackend, policy = {}): ProbedService {
  return { name, slice: { type: 'IPv4', port, endpoints: [{ address }] }, policy: { ...POLICY, ...policy } };
}

function endOf({ address, port }: ProbedBackend): string {
  return `${address}:${port}`;
}

/** Redis, a subscriber, and a daemon that probes one service. */
async function scene(flags: readonly string[] = []) {
  const redis = own(await RedisServer.start());
  const backend = own(await ProbedBackend.start());
  const bus = new Subscribed(redis.options());
  own(bus.bus);
  const daemon = own(await Healthd.start(probedServices(service('chat', backend)), redis.url, [], flags));
  const table = await bus.shows((shown) => void findRecord(shown, endOf(backend), { status: 'healthy' }));
  const { sinceMs } = findRecord(table, endOf(backend), {});
  return { redis, backend, bus, daemon, sinceMs };
}

async function reloads(daemon: Healthd, result: string): Promise<number> {
  return new Exposition((await daemon.ask('/metrics')).body).sum('sluice_config_reloads_total', { result });
}

/** Waits until so many reloads have come to this. */
async function reloaded(daemon: Healthd, result: string, times: number): Promise<void> {
  await eventually(
    async () => {
      if ((await reloads(daemon, result)) < times) throw new Error(`not ${result} yet:\n${daemon.describeLog()}`);
    },
    { budgetMs: BUDGET_MS },
  );
}

function namesOf({ services }: StatusTable): readonly string[] {
  return [...services].sort();
}

test('services that an edit adds are probed, those that it removes leave, the others stay as they are', async () => {
  const { backend, bus, daemon, sinceMs } = await scene();
  const second = own(await ProbedBackend.start());
  daemon.rewrite(probedServices(service('chat', backend), service('shop', second)));
  const grown = await bus.shows((table) => void findRecord(table, endOf(second), { status: 'healthy' }));
  expect(namesOf(grown)).toEqual(['test/chat/80', 'test/shop/80']);
  expect(findRecord(grown, endOf(backend), { status: 'healthy' }).sinceMs).toBe(sinceMs);
  daemon.rewrite(probedServices(service('chat', backend)));
  const shrunk = await bus.shows((table) => expect(namesOf(table)).toEqual(['test/chat/80']));
  expect([...shrunk.endpoints.keys()]).toEqual([`test/chat/80/${endOf(backend)}`]);
  expect(findRecord(shrunk, endOf(backend), { status: 'healthy' }).sinceMs).toBe(sinceMs);
  const asked = second.requests;
  await backend.asked(5);
  expect(second.requests).toBeLessThanOrEqual(asked + 1); // one may have been under way
  const page = new Exposition((await daemon.ask('/metrics')).body);
  expect(page.series('sluice_probes_total').map(({ labels }) => labels.service)).not.toContain('test/shop/80');
});

test('what is wrong changes nothing, is logged and counted; what comes behind it counts again', async () => {
  const { backend, bus, daemon, sinceMs } = await scene();
  const before = bus.recorder.seen.length;
  daemon.rewrite(
    'apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge}\nspec: {listners: []}\n',
  );
  await reloaded(daemon, 'refused', 1);
  // What is counted may be seen before what is written.
  await eventually(() => {
    const errors = daemon.log.filter(({ msg }) => /refused/.test(`${msg}`));
    expect(JSON.stringify(errors)).toMatch(/listners/);
  });
  const wrong = new Exposition((await daemon.ask('/metrics')).body);
  expect(wrong.sum('sluice_config_last_reload_success')).toBe(0);
  await backend.asked(3);
  for (const table of bus.recorder.seen.slice(before))
    findRecord(table, endOf(backend), { status: 'healthy', sinceMs });
  daemon.rewrite(probedServices(service('chat', backend), service('shop', backend)));
  await bus.shows((table) => expect(namesOf(table)).toEqual(['test/chat/80', 'test/shop/80']));
  expect(new Exposition((await daemon.ask('/metrics')).body).sum('sluice_config_last_reload_success')).toBe(1);
});

test('what says the same in other words is no change', async () => {
  const { backend, bus, daemon, sinceMs } = await scene();
  daemon.rewrite(`# a comment\n${probedServices(service('chat', backend))}\n`);
  await reloaded(daemon, 'unchanged', 1);
  await backend.asked(3);
  expect(await reloads(daemon, 'applied')).toBe(0);
  const { table } = bus.bus;
  expect(findRecord(table, endOf(backend), { status: 'healthy' }).sinceMs).toBe(sinceMs);
});

test('SIGHUP reads the files also when they are not watched', async () => {
  const { backend, bus, daemon } = await scene(['--watch', 'off']);
  const second = own(await ProbedBackend.start());
  daemon.rewrite(probedServices(service('chat', backend), service('shop', second)));
  await backend.asked(5);
  expect(namesOf(await bus.shows(() => undefined))).toEqual(['test/chat/80']);
  daemon.child.kill('SIGHUP');
  await bus.shows((table) => void findRecord(table, endOf(second), { status: 'healthy' }));
  daemon.child.kill('SIGHUP');
  await reloaded(daemon, 'unchanged', 1);
});

test('another probe goes on from the judgement that there is', async () => {
  const { backend, bus, daemon } = await scene();
  const match = { http: { match: { statusCodes: [{ start: 500, end: 599 }] } }, unhealthyThreshold: 3 };
  daemon.rewrite(probedServices(service('chat', backend, match)));
  const failing = await bus.shows((table) => void findRecord(table, endOf(backend), { status: 'unhealthy' }));
  expect(findRecord(failing, endOf(backend), {}).why).toMatch(/answered 200, not 500-599/);
  const statuses = bus.recorder.seen.map((table) => findRecord(table, endOf(backend), {}).status);
  const met = statuses.filter((status, index) => status !== statuses[index - 1]);
  expect(met.filter((status) => status !== 'unknown')).toEqual(['healthy', 'unhealthy']);
  expect(met.indexOf('unknown')).toBeLessThanOrEqual(0);
});

test('a roll-out over two daemons: no endpoint that both configurations have is ever missing or unknown', async () => {
  const { redis, backend, bus, daemon: leader, sinceMs } = await scene();
  const [old, fresh] = [own(await ProbedBackend.start()), own(await ProbedBackend.start())];
  leader.rewrite(probedServices(service('chat', backend), service('old', old)));
  await bus.shows((table) => void findRecord(table, endOf(old), { status: 'healthy' }));
  const standby = own(await Healthd.start(probedServices(service('chat', backend), service('old', old)), redis.url));
  const shown = bus.recorder.seen.length;
  const next = probedServices(service('chat', backend), service('fresh', fresh));
  standby.rewrite(next);
  await reloaded(standby, 'applied', 1);
  expect(namesOf(await bus.shows(() => undefined))).toEqual(['test/chat/80', 'test/old/80']);
  leader.child.kill('SIGKILL'); // before it has heard of it: the other's services count from here on
  await bus.shows((table) => void findRecord(table, endOf(fresh), { status: 'healthy' }));
  const again = own(await Healthd.start(probedServices(service('chat', backend), service('old', old)), redis.url));
  again.rewrite(next);
  await reloaded(again, 'applied', 1);
  standby.child.kill('SIGTERM');
  await bus.shows(({ publisher }) => expect(publisher).toMatch(new RegExp(`/${again.pid}$`)));
  const last = await bus.shows((table) => void findRecord(table, endOf(fresh), { status: 'healthy' }));
  expect(namesOf(last)).toEqual(['test/chat/80', 'test/fresh/80']);
  for (const table of bus.recorder.seen.slice(shown)) {
    findRecord(table, endOf(backend), { status: 'healthy', sinceMs });
  }
});
