/** docs/metrics.md against the code, both ways, for both processes; and the queries name what there is. */
import { readFileSync } from 'node:fs';
import { loadNative } from '@sluice/dataplane/engine/binding';
import { MeterMemory } from '@sluice/dataplane/primary/metrics/memory';
import { createMetrics } from '@sluice/dataplane/primary/metrics/metrics';
import { createHealthdMetrics } from '@sluice/healthd/metrics';
import type { FamilyDescription } from '@sluice/shared/admin/families';
import { createBoard } from '@sluice/shared/health/board';
import { GROUPS_MAX } from '@sluice/shared/snapshot/groups';
import { aSnapshot, viewOf } from '@sluice/shared/testing/snapshots';
import { describe, expect, it } from 'vitest';

const PAGE = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
const ROW = /^\| `(\w+)` \| (counter|gauge|histogram) \| ([^|]*)\|/gm;

function dataplaneFamilies(): readonly FamilyDescription[] {
  const native = loadNative();
  const state = { fresh: false, reason: '', sinceMs: 0 };
  const stats = { lagMs: 0, reconnects: 0, rereads: 0, lastHeartbeatMs: 0 };
  const nothing = { services: [], endpoints: () => [], leftOut: 0, daemonRestarts: 0, table: null };
  return createMetrics({
    version: '',
    native,
    engines: [],
    memory: new MeterMemory(native, [], viewOf(aSnapshot())),
    workers: { watched: () => [] },
    health: { source: 'off', state, stats, ...nothing },
    board: createBoard(1, 1),
    reload: {
      counts: { applied: 0, unchanged: 0, refused: 0 },
      last: { atMs: 0, result: 'applied', elapsedMs: 0, issues: [] },
      version: '',
      page: '',
    },
    logWriteLosses: () => 0,
    primaryLagUs: new Int32Array(1),
  }).described;
}

function healthdFamilies(): readonly FamilyDescription[] {
  return createHealthdMetrics({
    version: '',
    services: () => [],
    endpoints: () => [],
    publisher: { leading: false, epoch: 0 },
    probesRunning: () => 0,
    configuration: () => undefined,
  }).families.described;
}

/** The rows of the table under a heading, as the code describes families. */
function documented(heading: string): FamilyDescription[] {
  const body = PAGE.split(`## ${heading}\n`)[1]?.split('\n## ')[0];
  if (body === undefined) throw new Error(`docs/metrics.md has no section ${heading}`);
  return [...body.matchAll(ROW)].map(([, name = '', type, labels = '']) => ({
    name,
    type: type as FamilyDescription['type'],
    labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label ?? ''),
  }));
}

describe('docs/metrics.md', () => {
  it.each([
    ['Metrics of the data plane', dataplaneFamilies],
    ['Metrics of healthd', healthdFamilies],
  ])('%s: names every family with its type and labels, in the order of the page, and no other', (heading, families) => {
    expect(documented(heading)).toEqual(families());
  });

  it('asks for what there is', () => {
    const known = new Set([...dataplaneFamilies(), ...healthdFamilies()].map(({ name }) => name));
    const queries = [...PAGE.matchAll(/```promql\n([^`]*)```/g)].map(([, query]) => query).join('\n');
    const asked = [...queries.matchAll(/sluice_\w+/g)].map(([name]) => name.replace(/_bucket$/, ''));
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });

  it('says how many groups there can be', () => {
    expect(PAGE).toContain(`at most ${GROUPS_MAX},`);
  });
});
