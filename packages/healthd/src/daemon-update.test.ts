import type { BusPublisher, LeadershipEvents } from '@sluice/shared/health/bus';
import type { ProbedServices } from '@sluice/shared/health/probed-services';
import type { StatusTable, TableChange } from '@sluice/shared/health/table';
import { applyChange } from '@sluice/shared/health/table-change';
import { DEFAULT_PROBE } from '@sluice/shared/snapshot/service-policy';
import type { TargetSnapshot } from '@sluice/shared/snapshot/snapshot';
import { ManualTimers } from '@sluice/shared/testing/manual-timers';
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { BURST_LINES_MAX } from './burst.js';
import { Daemon } from './daemon.js';

const INTERVAL_MS = 1000;
const SETTLED_MS = 8 * INTERVAL_MS;
const CHAT = 'ns/chat/80';
const SHOP = 'ns/shop/80';

interface Wanted {
  readonly name: string;
  /** Addresses; of those with `!` in front, draining ones. */
  readonly hosts: readonly string[];
  /** What is asked for: a host whose name begins with it is healthy. */
  readonly path?: string;
  readonly intervalMs?: number;
  readonly healthyThreshold?: number;
}

function servicesOf(...wanted: readonly Wanted[]): ProbedServices {
  const services = wanted.map(({ name, hosts, path = '/1', intervalMs = INTERVAL_MS, healthyThreshold = 1 }) => ({
    name,
    targets: hosts.map((host): TargetSnapshot => {
      return { type: 'address', host: host.replace('!', ''), port: 80, draining: host.startsWith('!') };
    }),
    probe: {
      ...DEFAULT_PROBE,
      intervalMs,
      healthyThreshold,
      check: { type: 'http' as const, host: 'localhost', path, statuses: [] },
    },
    tls: null,
  }));
  return { services, authorities: [], certificates: [] };
}

/** What a subscriber has that was told everything, and what was asked of whom. */
async function start(services: ProbedServices, leads = true) {
  const timers = new ManualTimers();
  const asked: string[] = [];
  const forgotten: string[] = [];
  const lines: string[] = [];
  let events: LeadershipEvents | undefined;
  let table: Pick<StatusTable, 'services' | 'endpoints'> = { services: new Set(), endpoints: new Map() };
  let published = 0;
  const publisher: BusPublisher = {
    start: (listener) => {
      events = listener;
    },
    publish: (change: TableChange) => {
      published += 1;
      table = applyChange(table, change);
    },
    publishTable: (all, endpoints) => {
      table = { services: new Set(all), endpoints: new Map(endpoints) };
    },
    leading: leads,
    epoch: 1,
    unreachable: '',
    close: () => Promise.resolve(),
  };
  const daemon = new Daemon({
    log: pino({ level: 'info' }, { write: (line) => lines.push((JSON.parse(line) as { msg: string }).msg) }),
    publisher,
    createProbe: (check) => (target) => {
      const path = check.type === 'http' ? check.path : '';
      asked.push(`${path} ${target.address}`);
      const healthy = target.address.startsWith(path.slice(1));
      return Promise.resolve({ healthy, why: healthy ? '' : `not ${path}`, elapsedMs: 1 });
    },
    resolveIntervalMs: 5000,
    probesMax: 100,
    observer: {
      probed: () => undefined,
      resolveFailed: () => undefined,
      forget: (names) => forgotten.push(...names),
    },
    timers,
  });
  await daemon.start(services);
  if (leads) events?.onElected(null, 1);
  const statuses = () =>
    [...table.endpoints].map(([key, { status, why }]) => `${key} ${status}${status === 'unhealthy' ? ` ${why}` : ''}`);
  return {
    daemon,
    timers,
    asked,
    forgotten,
    lines,
    published: () => published,
    services: () => [...table.services].sort(),
    statuses: () => statuses().sort(),
  };
}

describe('services that change while the daemon runs', () => {
  it('equal ones change nothing, and nothing is published', async () => {
    const run = await start(servicesOf({ name: CHAT, hosts: ['1.0.0.1'] }));
    await run.timers.pass(INTERVAL_MS);
    const before = [run.published(), run.asked.length];
    expect(run.daemon.update(servicesOf({ name: CHAT, hosts: ['1.0.0.1'] }))).toBe(false);
    await run.timers.pass(0);
    expect([run.published(), run.asked.length]).toEqual(before);
  });

  it('thousands of them are a few lines in the log, and how many more there were', async () => {
    const run = await start(servicesOf());
    const wanted = Array.from({ length: 2000 }, (_, at) => ({ name: `ns/s${at}/80`, hosts: ['1.0.0.1'] }));
    run.daemon.update(servicesOf(...wanted));
    await run.timers.pass(INTERVAL_MS);
    const count = (message: string) => run.lines.filter((line) => line === message).length;
    expect([count('endpoints changed'), count('endpoints of more services changed')]).toEqual([BURST_LINES_MAX, 1]);
    await run.daemon.close();
    expect(run.statuses()).toHaveLength(2000);
    expect(count('endpoint is healthy')).toBeLessThan(100);
    expect(count('more endpoints are healthy')).toBeGreaterThan(0);
  });

  it('those that are new are discovered and probed at once; the others wait for their turn', async () => {
    const chat = { name: CHAT, hosts: ['1.0.0.1', '2.0.0.1'] };
    const run = await start(servicesOf(chat));
    await run.timers.pass(3.5 * INTERVAL_MS);
    run.asked.length = 0;
    expect(run.daemon.update(servicesOf(chat, { name: SHOP, hosts: ['1.0.0.9'] }))).toBe(true);
    expect(run.services()).toEqual([CHAT, SHOP]);
    await run.timers.pass(0);
    expect(run.asked).toEqual(['/1 1.0.0.9']);
    expect(run.statuses()).toEqual([
      `${CHAT}/1.0.0.1:80 healthy`,
      `${CHAT}/2.0.0.1:80 unhealthy not /1`,
      `${SHOP}/1.0.0.9:80 healthy`,
    ]);
    await run.timers.pass(1.1 * INTERVAL_MS);
    expect(run.asked.filter((line) => line.endsWith('0.0.1')).length).toBeGreaterThanOrEqual(2);
  });

  it('one that goes leaves the table, is probed no more and has no metrics', async () => {
    const chat = { name: CHAT, hosts: ['1.0.0.1'] };
    const run = await start(servicesOf(chat, { name: SHOP, hosts: ['1.0.0.9'] }));
    await run.timers.pass(INTERVAL_MS);
    run.daemon.update(servicesOf(chat));
    expect({ services: run.services(), statuses: run.statuses() }).toEqual({
      services: [CHAT],
      statuses: [`${CHAT}/1.0.0.1:80 healthy`],
    });
    expect(run.forgotten).toEqual([SHOP]);
    run.asked.length = 0;
    await run.timers.pass(5 * INTERVAL_MS);
    expect(new Set(run.asked)).toEqual(new Set(['/1 1.0.0.1']));
  });

  it('a daemon that stands by changes what it knows, and tells nobody', async () => {
    const run = await start(servicesOf({ name: CHAT, hosts: ['1.0.0.1'] }), false);
    run.daemon.update(servicesOf({ name: SHOP, hosts: ['1.0.0.9'] }));
    await run.timers.pass(5 * INTERVAL_MS);
    expect([...run.daemon.registry.endpoints.keys()]).toEqual([`${SHOP}/1.0.0.9:80`]);
    expect({ services: run.daemon.services, published: run.published(), asked: run.asked }).toEqual({
      services: [SHOP],
      published: 0,
      asked: [],
    });
  });

  it('another probe takes its turn as the one before it, and the judgement goes on', async () => {
    const run = await start(servicesOf({ name: CHAT, hosts: ['1.0.0.1'], intervalMs: 10 * INTERVAL_MS }));
    await run.timers.pass(12 * INTERVAL_MS);
    run.asked.length = 0;
    run.daemon.update(servicesOf({ name: CHAT, hosts: ['1.0.0.1'], path: '/2', intervalMs: 2 * INTERVAL_MS }));
    await run.timers.pass(0);
    expect(run.asked).toEqual([]);
    expect(run.statuses()).toEqual([`${CHAT}/1.0.0.1:80 healthy`]);
    await run.timers.pass(2.1 * INTERVAL_MS);
    expect(run.asked).toEqual(['/2 1.0.0.1']);
    expect(run.statuses()).toEqual([`${CHAT}/1.0.0.1:80 healthy`]); // two failures short of the threshold
    await run.timers.pass(4.2 * INTERVAL_MS);
    expect(run.statuses()).toEqual([`${CHAT}/1.0.0.1:80 unhealthy not /2`]);
  });

  it('an endpoint that nobody has judged yet is asked anew at once', async () => {
    const run = await start(servicesOf({ name: CHAT, hosts: ['2.0.0.1'], intervalMs: 60_000 }));
    await run.timers.pass(0);
    expect(run.statuses()).toEqual([`${CHAT}/2.0.0.1:80 unknown`]);
    run.daemon.update(servicesOf({ name: CHAT, hosts: ['2.0.0.1'], path: '/2', intervalMs: 60_000 }));
    await run.timers.pass(0);
    expect(run.statuses()).toEqual([`${CHAT}/2.0.0.1:80 healthy`]);
  });

  it('after any changes everything is as after a start with the last of them', async () => {
    const service = fc.record({
      hosts: fc.uniqueArray(fc.constantFrom('1.0.0.1', '1.0.0.2', '2.0.0.1', '!1.0.0.3', '!2.0.0.1'), {
        selector: (host) => host.replace('!', ''),
      }),
      path: fc.constantFrom('/1', '/2'),
      intervalMs: fc.constantFrom(INTERVAL_MS / 2, INTERVAL_MS),
      healthyThreshold: fc.constantFrom(1, 2),
    });
    const names = fc.constantFrom(CHAT, SHOP, 'ns/third/80');
    const configuration = fc
      .dictionary(names, service)
      .map((services) => servicesOf(...Object.entries(services).map(([name, each]) => ({ name, ...each }))));
    const steps = fc.array(fc.record({ configuration, passMs: fc.nat(2 * INTERVAL_MS) }), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(configuration, steps, async (first, changes) => {
        const run = await start(first);
        for (const change of changes) {
          await run.timers.pass(change.passMs);
          run.daemon.update(change.configuration);
        }
        const fresh = await start(changes.at(-1)?.configuration ?? first);
        for (const each of [run, fresh]) await each.timers.pass(SETTLED_MS);
        expect({ services: run.services(), statuses: run.statuses() }).toEqual({
          services: fresh.services(),
          statuses: fresh.statuses(),
        });
        run.asked.length = fresh.asked.length = 0;
        for (const each of [run, fresh]) await each.timers.pass(4 * INTERVAL_MS);
        expect(new Set(run.asked)).toEqual(new Set(fresh.asked));
      }),
      { seed: 20_261_122, numRuns: 80 },
    );
  });
});
