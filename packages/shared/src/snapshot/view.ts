/**
 * A snapshot as threads read it: one flat shared buffer, of which each thread decodes what it looks at, when it does.
 *
 * Invariant: the buffer is never written after `encodeSnapshot`; opening it costs the same however large it is, so that a
 * swap stalls no worker. What a view has decoded it keeps, as plain data that nobody changes. Any thread.
 */
import { groupSlots } from './flat/group-table.js';
import { KeyWriter } from './flat/key-table.js';
import { RecordList, RecordWriter } from './flat/records.js';
import { openRouting, type RoutingIndex } from './flat/routing.js';
import { RoutingWriter } from './flat/routing-writer.js';
import { layOut, openSections, type Sections } from './flat/sections.js';
import {
  assignGroups,
  type GroupAssignment,
  type GroupLookup,
  groupEntries,
  groupLookup,
  routesOfRules,
} from './groups.js';
import type {
  ListenerInfo,
  ListenerSnapshot,
  RouteSnapshot,
  RuleSnapshot,
  ServiceSnapshot,
  Snapshot,
} from './snapshot.js';

export interface SnapshotView {
  readonly version: string;
  /** All of them, decoded when first asked for: not for what every request needs. */
  readonly listeners: readonly ListenerInfo[];
  readonly routes: readonly RouteSnapshot[];
  readonly ruleCount: number;
  readonly serviceCount: number;
  /** undefined for an index that the snapshot does not have; so do all the others. */
  listener(index: number): ListenerInfo | undefined;
  rule(index: number): RuleSnapshot | undefined;
  service(index: number): ServiceSnapshot | undefined;
  /** `namespace/name/port`; ''. */
  serviceName(index: number): string;
  /** Hosts, paths and conditions, for the router. */
  readonly routing: RoutingIndex;
  /** Labels of the metric groups by number: those of earlier snapshots of this process too. */
  readonly groups: GroupAssignment;
  /** Metric group of indexes into the snapshot, -1 for not known. */
  readonly group: GroupLookup;
}

/** Records of what concerns the whole. */
const About = { version: 0, groups: 1 } as const;

/**
 * The buffer of a snapshot. `previous`: the groups of the snapshot before it in this process. Throws RangeError when it is
 * too large.
 */
export function encodeSnapshot(snapshot: Snapshot, previous?: GroupAssignment): SharedArrayBuffer {
  const groups = assignGroups(snapshot, previous);
  const records = new RecordWriter();
  const keys = new KeyWriter();
  const routing = new RoutingWriter(keys, records);
  records.addJson('about', snapshot.version);
  records.addJson('about', groups);
  for (const listener of snapshot.listeners) {
    records.addJson('listeners', infoOf(listener));
    routing.addListener(listener);
  }
  for (const route of snapshot.routes) records.addJson('routes', route);
  for (const rule of snapshot.rules) records.addJson('rules', rule);
  for (const service of snapshot.services) {
    records.addJson('services', service);
    records.add('serviceNames', service.name);
  }
  return layOut({
    ...routing.finish(),
    ...keys.finish(),
    ...records.finish(),
    ruleRoutes: routesOfRules(snapshot),
    groupSlots: groupSlots(groupEntries(snapshot, groups)),
  });
}

/** All of a listener but its hosts, which are in the routing index. */
function infoOf({ hosts: _, ...info }: ListenerSnapshot): ListenerInfo {
  return info;
}

/** Throws TypeError when the buffer holds no snapshot. */
export function openSnapshot(buffer: SharedArrayBuffer): SnapshotView {
  return new FlatSnapshot(openSections(buffer));
}

function parsed<T>(json: string): T {
  return JSON.parse(json) as T;
}

class FlatSnapshot implements SnapshotView {
  readonly routing: RoutingIndex;
  readonly group: GroupLookup;
  readonly #about: RecordList<unknown>;
  readonly #listeners: RecordList<ListenerInfo>;
  readonly #routes: RecordList<RouteSnapshot>;
  readonly #rules: RecordList<RuleSnapshot>;
  readonly #services: RecordList<ServiceSnapshot>;
  readonly #serviceNames: RecordList<string>;
  #allListeners: readonly ListenerInfo[] | undefined;
  #allRoutes: readonly RouteSnapshot[] | undefined;

  constructor(sections: Sections) {
    this.routing = openRouting(sections);
    this.group = groupLookup(sections.groupSlots, sections.ruleRoutes);
    this.#about = new RecordList(sections, 'about', parsed);
    this.#listeners = new RecordList(sections, 'listeners', parsed<ListenerInfo>);
    this.#routes = new RecordList(sections, 'routes', parsed<RouteSnapshot>);
    this.#rules = new RecordList(sections, 'rules', parsed<RuleSnapshot>);
    this.#services = new RecordList(sections, 'services', parsed<ServiceSnapshot>);
    this.#serviceNames = new RecordList(sections, 'serviceNames', (name) => name);
  }

  get version(): string {
    return this.#about.at(About.version) as string;
  }

  get groups(): GroupAssignment {
    return this.#about.at(About.groups) as GroupAssignment;
  }

  get listeners(): readonly ListenerInfo[] {
    this.#allListeners ??= this.#listeners.all();
    return this.#allListeners;
  }

  get routes(): readonly RouteSnapshot[] {
    this.#allRoutes ??= this.#routes.all();
    return this.#allRoutes;
  }

  get ruleCount(): number {
    return this.#rules.length;
  }

  get serviceCount(): number {
    return this.#services.length;
  }

  listener(index: number): ListenerInfo | undefined {
    return this.#listeners.at(index);
  }

  rule(index: number): RuleSnapshot | undefined {
    return this.#rules.at(index);
  }

  service(index: number): ServiceSnapshot | undefined {
    return this.#services.at(index);
  }

  serviceName(index: number): string {
    return this.#serviceNames.at(index) ?? '';
  }
}
