import type { EndpointRecord, StatusTable } from '@sluice/shared/health/table';
import { DEFAULT_PROBE, type ProbeSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { ServiceSnapshot } from '@sluice/shared/snapshot/snapshot';
import { aService } from '@sluice/shared/testing/snapshots';
import { describe, expect, it } from 'vitest';
import { isChange, Registry } from './registry.js';

const CHAT = 'default/chat/80';
const KEY = `${CHAT}/10.0.0.1:9000`;

function service(name: string, probe: Partial<ProbeSnapshot> = {}): ServiceSnapshot {
  return aService(name, { probe: { ...DEFAULT_PROBE, ...probe } });
}
const endpoint = (address: string, draining = false) => ({ address, port: 9000, draining });
const ok = { healthy: true, why: '', elapsedMs: 1.24 };
const failed = (why: string) => ({ healthy: false, why, elapsedMs: 2 });

function setup(probe: Partial<ProbeSnapshot> = {}) {
  const clock = { nowMs: 1000 };
  const registry = new Registry(() => clock.nowMs);
  registry.configure([service(CHAT, probe)]);
  const judge = (result: Parameters<Registry['judge']>[1], key = KEY) => {
    clock.nowMs += 1000;
    return registry.judge(key, result);
  };
  return { registry, clock, judge };
}

function table(services: readonly string[], endpoints: readonly (readonly [string, EndpointRecord])[]): StatusTable {
  return {
    epoch: 1,
    version: 7,
    timestampMs: 1,
    publisher: 'other',
    services: new Set(services),
    endpoints: new Map(endpoints),
  };
}
function stored(address: string, status: EndpointRecord['status'], why = ''): EndpointRecord {
  return { address, port: 9000, status, why, sinceMs: 10, probedAtMs: 20, probeMs: 3 };
}

describe('membership', () => {
  it('a service is in the table when discovery has spoken, with or without an endpoint', () => {
    const { registry } = setup();
    expect([...registry.services]).toEqual([]);
    expect(registry.discover(CHAT, [], true)).toEqual({ addServices: [CHAT], removeServices: [], set: [], remove: [] });
    expect([...registry.services]).toEqual([CHAT]);
    expect(isChange(registry.discover(CHAT, [], true))).toBe(false);
  });

  it('new endpoints are unknown, absent ones are removed', () => {
    const { registry } = setup();
    const change = registry.discover(CHAT, [endpoint('10.0.0.1'), endpoint('::1')], true);
    expect(change.set).toEqual([
      [KEY, expect.objectContaining({ status: 'unknown', why: '', sinceMs: 1000, probedAtMs: 0 })],
      [`${CHAT}/[::1]:9000`, expect.objectContaining({ address: '::1' })],
    ]);
    expect(registry.discover(CHAT, [endpoint('::1')], true).remove).toEqual([KEY]);
    expect([...registry.endpoints.keys()]).toEqual([`${CHAT}/[::1]:9000`]);
  });

  it('an endpoint that was unhealthy when it went is so when it comes back, until a probe says otherwise', () => {
    const { registry, judge } = setup({ unhealthyThreshold: 1 });
    registry.discover(CHAT, [endpoint('10.0.0.1')], true);
    judge(failed('refused'));
    registry.discover(CHAT, [], true);
    const { set } = registry.discover(CHAT, [endpoint('10.0.0.1')], true);
    expect(set[0]?.[1]).toMatchObject({ status: 'unhealthy', why: 'refused', sinceMs: 2000 });
    expect([...registry.probed()].map(({ key }) => key)).toEqual([KEY]);
    expect(judge(ok).set[0]?.[1].status).toBe('healthy');
    registry.discover(CHAT, [], true);
    expect(registry.discover(CHAT, [endpoint('10.0.0.1')], true).set[0]?.[1].status).toBe('unknown');
  });

  it('an incomplete discovery takes nothing away', () => {
    const { registry } = setup();
    registry.discover(CHAT, [endpoint('10.0.0.1')], true);
    expect(isChange(registry.discover(CHAT, [], false))).toBe(false);
    expect(registry.endpoints.size).toBe(1);
  });

  it('a draining endpoint is not probed, its probes are ignored, and its judgement comes back with it', () => {
    const { registry, judge } = setup();
    registry.discover(CHAT, [endpoint('10.0.0.1')], true);
    judge(ok);
    const { set } = registry.discover(CHAT, [endpoint('10.0.0.1', true)], true);
    expect(set[0]?.[1].status).toBe('draining');
    expect([...registry.probed()]).toEqual([]);
    expect(isChange(judge(failed('late')))).toBe(false);
    expect(registry.discover(CHAT, [endpoint('10.0.0.1')], true).set[0]?.[1].status).toBe('healthy');
    expect([...registry.probed()].map(({ key }) => key)).toEqual([KEY]);
  });

  it('a service that is configured no more goes with its endpoints', () => {
    const { registry } = setup();
    registry.discover(CHAT, [endpoint('10.0.0.1')], true);
    expect(registry.configure([service('default/other/80')])).toEqual({
      addServices: [],
      removeServices: [CHAT],
      set: [],
      remove: [KEY],
    });
    expect(registry.endpoints.size).toBe(0);
    expect(isChange(registry.discover(CHAT, [endpoint('10.0.0.1')], true))).toBe(false);
  });
});

describe('judgement', () => {
  it('says a verdict and a reason when they change, and nothing else', () => {
    const { registry, judge } = setup({ unhealthyThreshold: 2 });
    registry.discover(CHAT, [endpoint('10.0.0.1')], true);
    const statuses = [ok, ok, failed('x'), failed('x'), failed('x'), failed('y'), ok].map((result) => {
      const [entry] = judge(result).set;
      return entry === undefined ? '' : `${entry[1].status} ${entry[1].why} ${entry[1].sinceMs}`;
    });
    expect(statuses).toEqual([
      'healthy  2000',
      '',
      'healthy x 2000',
      'unhealthy x 5000',
      '',
      'unhealthy y 5000',
      'healthy  8000',
    ]);
  });

  it('keeps why it is unhealthy until it is healthy', () => {
    const { registry, judge } = setup({ healthyThreshold: 2, unhealthyThreshold: 1 });
    registry.discover(CHAT, [endpoint('10.0.0.1')], true);
    judge(failed('x'));
    expect(isChange(judge(ok))).toBe(false);
    expect(registry.record(KEY)).toMatchObject({ status: 'unhealthy', why: 'x' });
    expect(judge(ok).set[0]?.[1]).toMatchObject({ status: 'healthy', why: '' });
  });

  it('collects when and how long endpoints were probed, once each, until it is taken', () => {
    const { registry, judge } = setup();
    registry.discover(CHAT, [endpoint('10.0.0.1')], true);
    judge(ok);
    expect(isChange(registry.takeDetails())).toBe(false);
    judge(ok);
    judge(ok);
    const { set } = registry.takeDetails();
    expect(set).toEqual([[KEY, expect.objectContaining({ probedAtMs: 4000, probeMs: 1.2 })]]);
    expect(isChange(registry.takeDetails())).toBe(false);
  });

  it('ignores a probe of an endpoint that is not there any more', () => {
    const { judge } = setup();
    expect(isChange(judge(ok))).toBe(false);
  });
});

describe('seed', () => {
  it('goes on from what the stored table said, since when and why', () => {
    const { registry, judge } = setup();
    registry.discover(CHAT, [endpoint('10.0.0.1'), endpoint('10.0.0.2')], true);
    registry.seed(table([CHAT], [[KEY, stored('10.0.0.1', 'unhealthy', 'refused')]]));
    expect(registry.record(KEY)).toEqual(stored('10.0.0.1', 'unhealthy', 'refused'));
    expect(registry.record(`${CHAT}/10.0.0.2:9000`)?.status).toBe('unknown');
    expect(isChange(judge(failed('refused')))).toBe(false);
    expect(registry.record(KEY)?.sinceMs).toBe(10);
  });

  it('does not bring back an endpoint that discovery knows to be gone, nor a service that is not configured', () => {
    const { registry } = setup();
    registry.discover(CHAT, [endpoint('10.0.0.2')], true);
    const elsewhere = 'default/elsewhere/80/10.0.0.9:9000';
    registry.seed(
      table(
        [CHAT],
        [
          [KEY, stored('10.0.0.1', 'healthy')],
          [elsewhere, stored('10.0.0.9', 'healthy')],
        ],
      ),
    );
    expect([...registry.endpoints.keys()]).toEqual([`${CHAT}/10.0.0.2:9000`]);
  });

  it('keeps stored endpoints while discovery has no answer of its own, and gives them up when it has', () => {
    const { registry } = setup();
    registry.discover(CHAT, [], false);
    registry.seed(table([CHAT], [[KEY, stored('10.0.0.1', 'healthy')]]));
    expect([...registry.services]).toEqual([CHAT]);
    expect([...registry.probed()].map(({ key }) => key)).toEqual([KEY]);
    expect(isChange(registry.discover(CHAT, [], false))).toBe(false);
    expect(registry.discover(CHAT, [endpoint('10.0.0.3')], true).remove).toEqual([KEY]);
  });

  it('an endpoint that has begun to drain meanwhile is draining, and one that has stopped is unknown', () => {
    const { registry } = setup();
    registry.discover(CHAT, [endpoint('10.0.0.1', true), endpoint('10.0.0.2')], true);
    const second = `${CHAT}/10.0.0.2:9000`;
    registry.seed(
      table(
        [CHAT],
        [
          [KEY, stored('10.0.0.1', 'healthy')],
          [second, stored('10.0.0.2', 'draining')],
        ],
      ),
    );
    expect(registry.record(KEY)).toMatchObject({ status: 'draining', sinceMs: 1000 });
    expect(registry.record(second)).toMatchObject({ status: 'unknown', sinceMs: 1000 });
  });
});
