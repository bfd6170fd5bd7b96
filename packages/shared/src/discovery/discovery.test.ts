import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { ServiceSnapshot, TargetSnapshot } from '../snapshot/snapshot.js';
import { ManualTimers } from '../testing/manual-timers.js';
import { aService } from '../testing/snapshots.js';
import { Discovery } from './discovery.js';
import type { DiscoveredEndpoint } from './endpoints.js';
import { ADDRESSES_MAX, LOOKUP_DEADLINE_MS, LOOKUPS_MAX } from './name-lookups.js';

const INTERVAL_MS = 1000;

interface Told {
  readonly service: string;
  readonly addresses: readonly string[];
  readonly reason: string;
  readonly complete: boolean;
}

function service(name: string, targets: readonly TargetSnapshot[]): ServiceSnapshot {
  return aService(name, { targets });
}
const named = (name: string, ...hosts: string[]) =>
  service(
    name,
    hosts.map((host) => ({ type: 'name', host, port: 80, draining: false })),
  );

function failure(code: string): Error {
  return Object.assign(new Error(`getaddrinfo ${code}`), { code });
}

/** A resolver whose zone the test edits; a name that maps to null never answers. */
class Zone {
  readonly names = new Map<string, readonly string[] | Error | null>();
  asked = 0;
  open = 0;
  mostOpen = 0;

  readonly lookup = async (name: string): Promise<readonly string[]> => {
    this.asked++;
    this.open++;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    const answer = this.names.get(name);
    if (answer === null) return await new Promise(() => undefined);
    await Promise.resolve();
    this.open--;
    if (answer === undefined) throw failure('ENOTFOUND');
    if (answer instanceof Error) throw answer;
    return answer;
  };
}

function start(services: readonly ServiceSnapshot[], zone = new Zone()) {
  const timers = new ManualTimers();
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const failed: string[] = [];
  const discovery = new Discovery({
    log,
    intervalMs: INTERVAL_MS,
    lookup: zone.lookup,
    timers,
    random: () => 0.5,
    onFailed: (name) => failed.push(name),
  });
  const told: Told[] = [];
  const listener = (name: string, endpoints: readonly DiscoveredEndpoint[], reason: string, complete: boolean) =>
    told.push({ service: name, addresses: endpoints.map(({ address }) => address), reason, complete });
  discovery.update(services);
  discovery.start(listener);
  return { timers, discovery, told, failed, zone, lines };
}

describe('Discovery', () => {
  it('tells addresses at once and never again while they stay', async () => {
    const target = { type: 'address', host: '10.0.0.1', port: 80, draining: false } as const;
    const { told, timers, zone } = start([service('a', [target]), service('none', [])]);
    await timers.pass(10 * INTERVAL_MS);
    expect(told).toEqual([
      { service: 'a', addresses: ['10.0.0.1'], reason: '', complete: true },
      { service: 'none', addresses: [], reason: '', complete: true },
    ]);
    expect(zone.asked).toBe(0);
  });

  it('resolves a name at once, again at the interval, and tells changes alone', async () => {
    const zone = new Zone();
    zone.names.set('chat', ['10.0.0.2', '10.0.0.1']);
    const { told, timers } = start([named('a', 'chat')], zone);
    await timers.pass(0);
    zone.names.set('chat', ['10.0.0.1', '10.0.0.2']);
    await timers.pass(INTERVAL_MS);
    zone.names.set('chat', ['10.0.0.3']);
    await timers.pass(INTERVAL_MS);
    expect(told.map(({ addresses }) => addresses)).toEqual([['10.0.0.1', '10.0.0.2'], ['10.0.0.3']]);
    expect(zone.asked).toBe(3);
  });

  it('asks once for a name of several services', async () => {
    const zone = new Zone();
    zone.names.set('chat', ['10.0.0.1']);
    const { told, timers } = start([named('a', 'chat'), named('b', 'chat')], zone);
    await timers.pass(0);
    expect(zone.asked).toBe(1);
    expect(told.map((each) => each.service)).toEqual(['a', 'b']);
  });

  it('a failed lookup keeps the last answer, is logged once, and once more when it heals', async () => {
    const zone = new Zone();
    zone.names.set('chat', ['10.0.0.1']);
    const { told, timers, lines } = start([named('a', 'chat')], zone);
    await timers.pass(0);
    zone.names.set('chat', failure('EAI_AGAIN'));
    await timers.pass(5 * INTERVAL_MS);
    zone.names.set('chat', ['10.0.0.1']);
    await timers.pass(5 * INTERVAL_MS);
    const reason = 'name chat cannot be resolved: the name server does not answer (EAI_AGAIN)';
    expect(told).toEqual([
      { service: 'a', addresses: ['10.0.0.1'], reason: '', complete: true },
      { service: 'a', addresses: ['10.0.0.1'], reason, complete: true },
      { service: 'a', addresses: ['10.0.0.1'], reason: '', complete: true },
    ]);
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      [40, reason],
      [30, 'name is resolved again'],
    ]);
  });

  it('a name that never was has no endpoint but a reason', async () => {
    const { told, timers, failed } = start([named('a', 'nowhere')]);
    await timers.pass(INTERVAL_MS);
    expect(failed).toEqual(['a', 'a']);
    const reason = 'name nowhere cannot be resolved: there is no such name (ENOTFOUND)';
    expect(told).toEqual([{ service: 'a', addresses: [], reason, complete: false }]);
  });

  it('tells nothing of a service whose names are still being asked, and what it has when the deadline is over', async () => {
    const zone = new Zone();
    zone.names.set('silent', null);
    const { told, timers, discovery } = start([named('a', 'silent')], zone);
    let settled = false;
    void discovery.settled().then(() => {
      settled = true;
    });
    await timers.pass(LOOKUP_DEADLINE_MS - 1);
    expect({ told, settled }).toEqual({ told: [], settled: false });
    await timers.pass(1);
    expect(told[0]).toMatchObject({ addresses: [], reason: expect.stringContaining('no answer within 5 s') });
    expect(settled).toBe(true);
    await timers.pass(100 * INTERVAL_MS);
    expect(zone.asked).toBe(1);
  });

  it('keeps few lookups open, and asks every name all the same', async () => {
    const zone = new Zone();
    const hosts = Array.from({ length: 50 }, (_, index) => `host${index}`);
    for (const host of hosts) zone.names.set(host, ['10.0.0.1']);
    const { timers, discovery } = start([named('a', ...hosts)], zone);
    const settled = discovery.settled();
    await timers.pass(100);
    await settled;
    expect(zone.asked).toBe(50);
    expect(zone.mostOpen).toBe(LOOKUPS_MAX);
  });

  it('leaves out what one name has beyond its bound, and says so', async () => {
    const zone = new Zone();
    zone.names.set(
      'many',
      Array.from({ length: ADDRESSES_MAX + 6 }, (_, index) => `10.0.${index >> 8}.${index & 255}`),
    );
    const { told, timers } = start([named('a', 'many')], zone);
    await timers.pass(0);
    expect(told[0]?.addresses).toHaveLength(ADDRESSES_MAX);
    expect(told[0]?.reason).toContain('6 addresses beyond the first 1024');
  });

  it('an update asks for new names at once and forgets old ones', async () => {
    const zone = new Zone();
    zone.names.set('old', ['10.0.0.1']).set('new', ['10.0.0.2']);
    const { told, timers, discovery } = start([named('a', 'old'), named('b', 'old')], zone);
    await timers.pass(0);
    discovery.update([named('a', 'new'), named('b', 'old')]);
    await timers.pass(0);
    expect(told.slice(2)).toEqual([{ service: 'a', addresses: ['10.0.0.2'], reason: '', complete: true }]);
    discovery.update([]);
    const before = zone.asked;
    await timers.pass(5 * INTERVAL_MS);
    expect(zone.asked).toBe(before);
  });

  it('close leaves no timer and tells nothing more', async () => {
    const zone = new Zone();
    zone.names.set('chat', ['10.0.0.1']);
    const { told, timers, discovery } = start([named('a', 'chat')], zone);
    discovery.close();
    await timers.pass(5 * INTERVAL_MS);
    expect(told).toEqual([]);
    expect(timers.pending).toBe(0);
  });
});

describe('services that come and go one by one', () => {
  it('leave the others as they are', async () => {
    const zone = new Zone();
    zone.names.set('shared', ['10.0.0.1']);
    const { discovery, timers, told } = start([named('a', 'shared'), named('b', 'shared')], zone);
    await timers.pass(0);
    const before = told.length;
    discovery.set([named('c', 'shared')]);
    expect(told.slice(before).map(({ service: name }) => name)).toEqual(['c']);
    discovery.drop(['a', 'nobody']);
    zone.names.set('shared', ['10.0.0.2']);
    await timers.pass(2 * INTERVAL_MS);
    expect(new Set(told.slice(before + 1).map(({ service: name }) => name))).toEqual(new Set(['b', 'c']));
    const asked = zone.asked;
    discovery.drop(['b', 'c']);
    await timers.pass(2 * INTERVAL_MS);
    expect(zone.asked).toBe(asked);
    discovery.close();
  });
});
