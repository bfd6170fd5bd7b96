/**
 * A snapshot as threads read it: one flat shared buffer, of which each thread decodes what it looks at, when it does.
 *
 * Invariant: the buffer is never written after `encodeSnapshot`; opening it costs next to nothing, so that a swap stalls
 * no worker. Any thread.
 */
import type { GroupAssignment, GroupLookup } from './groups.js';
import { assignGroups, groupLookup } from './groups.js';
import type { ListenerSnapshot, RouteSnapshot, RuleSnapshot, ServiceSnapshot, Snapshot } from './snapshot.js';

export interface SnapshotView {
  readonly version: string;
  readonly listeners: readonly ListenerSnapshot[];
  readonly ruleCount: number;
  readonly serviceCount: number;
  readonly routes: readonly RouteSnapshot[];
  /** undefined for an index that the snapshot does not have; so do all the others. */
  rule(index: number): RuleSnapshot | undefined;
  service(index: number): ServiceSnapshot | undefined;
  /** `namespace/name/port`; ''. */
  serviceName(index: number): string;
  /** Labels of the metric groups by number: those of earlier snapshots of this process too. */
  readonly groups: GroupAssignment;
  /** Metric group of indexes into the snapshot, -1 for not known. */
  readonly group: GroupLookup;
}

/** The buffer of a snapshot. `previous`: the groups of the snapshot before it in this process. */
export function encodeSnapshot(snapshot: Snapshot, previous?: GroupAssignment): SharedArrayBuffer {
  const bytes = Buffer.from(JSON.stringify({ snapshot, groups: assignGroups(snapshot, previous) }));
  const buffer = new SharedArrayBuffer(bytes.length);
  bytes.copy(Buffer.from(buffer));
  return buffer;
}

export function openSnapshot(buffer: SharedArrayBuffer): SnapshotView {
  const { snapshot, groups } = JSON.parse(Buffer.from(buffer).toString()) as {
    snapshot: Snapshot;
    groups: GroupAssignment;
  };
  const { version, listeners, routes, rules, services } = snapshot;
  return {
    version,
    listeners,
    ruleCount: rules.length,
    serviceCount: services.length,
    routes,
    rule: (index) => rules[index],
    service: (index) => services[index],
    serviceName: (index) => services[index]?.name ?? '',
    groups,
    group: groupLookup(snapshot, groups),
  };
}
