import type { StatusTable, TableChange } from '@sluice/shared/health/table';
import { applyChange } from '@sluice/shared/health/table-change';
import { DEFAULT_PROBE } from '@sluice/shared/snapshot/service-policy';
import type { ServiceSnapshot } from '@sluice/shared/snapshot/snapshot';
import { aService } from '@sluice/shared/testing/snapshots';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Registry } from './registry.js';

const NAMES = ['ns/a/80', 'ns/b/80', 'ns/c/80'];
const ADDRESSES = ['10.0.0.1', '10.0.0.2', '::1'];

function service(name: string): ServiceSnapshot {
  return aService(name, { probe: { ...DEFAULT_PROBE, healthyThreshold: 2, unhealthyThreshold: 2 } });
}

const name = fc.constantFrom(...NAMES);
const endpoint = fc.record({ address: fc.constantFrom(...ADDRESSES), port: fc.constant(80), draining: fc.boolean() });
const step = fc.oneof(
  fc.record({ type: fc.constant('configure' as const), names: fc.subarray(NAMES) }),
  fc.record({
    type: fc.constant('discover' as const),
    name,
    endpoints: fc.uniqueArray(endpoint, { selector: ({ address }) => address }),
    complete: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('judge' as const),
    pick: fc.nat(),
    healthy: fc.boolean(),
    why: fc.constantFrom('x', 'y'),
  }),
  fc.record({ type: fc.constant('details' as const) }),
  fc.record({ type: fc.constant('takeover' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Run {
  nowMs = 1000;
  registry = new Registry(() => this.nowMs);
  names: readonly string[] = NAMES;
  /** What a subscriber has that was told every change. */
  table: Pick<StatusTable, 'services' | 'endpoints'> = { services: new Set(), endpoints: new Map() };

  constructor() {
    this.registry.configure(NAMES.map(service));
  }

  step(what: Step): TableChange | undefined {
    this.nowMs += 1000;
    switch (what.type) {
      case 'configure':
        this.names = what.names;
        return this.registry.configure(what.names.map(service));
      case 'discover':
        return this.registry.discover(what.name, what.endpoints, what.complete);
      case 'judge': {
        const keys = [...this.registry.endpoints.keys()];
        const { healthy } = what;
        return this.registry.judge(keys[what.pick % keys.length] ?? '', {
          healthy,
          why: healthy ? '' : what.why,
          elapsedMs: 1,
        });
      }
      case 'details':
        return this.registry.takeDetails();
      case 'takeover':
        return this.takeOver();
    }
  }

  /** Another daemon, which has discovered nothing yet, goes on from the table. */
  takeOver(): undefined {
    this.registry = new Registry(() => this.nowMs);
    this.registry.configure(this.names.map(service));
    this.registry.seed({ ...this.table, epoch: 1, version: 1, timestampMs: 1, publisher: 'x' });
    return undefined;
  }
}

/** What a verdict is made of; when it was probed comes later. */
function judgements(endpoints: StatusTable['endpoints']) {
  return [...endpoints].map(([key, { status, why, sinceMs }]) => ({ key, status, why, sinceMs })).sort(byKey);
}
function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : 1;
}

describe('Registry', () => {
  it('its changes lead to its table, whatever happens, and a takeover from that table changes no record', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const run = new Run();
        for (const what of steps) {
          const change = run.step(what);
          if (change !== undefined) run.table = applyChange(run.table, change);
          const { registry, table } = run;
          expect(judgements(registry.endpoints)).toEqual(judgements(table.endpoints));
          if (what.type === 'details') expect(new Map(table.endpoints)).toEqual(registry.endpoints);
          const empty = [...table.services].filter((each) => !registry.services.has(each));
          if (what.type !== 'takeover') expect(empty).toEqual([]);
          else run.table = { services: registry.services, endpoints: registry.endpoints };
          expect([...registry.services].sort()).toEqual([...run.table.services].sort());
          const keys = registry.byService().flatMap(({ endpoints }) => endpoints).length;
          expect(keys).toBe(registry.endpoints.size);
        }
      }),
    );
  });
});
