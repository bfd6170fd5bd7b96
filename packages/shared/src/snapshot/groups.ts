/**
 * Metric groups: small integers for the (listener, route, service) that a connection is counted under.
 *
 * Invariant: a number stands for the same labels as long as the process lives, because what was counted under it stays;
 * so an assignment only grows, and what no longer fits is counted in group 0. Made where the snapshot is compiled, and part
 * of what the threads get. Pure; any thread.
 */
import { findGroup, type GroupEntry } from './flat/group-table.js';
import type { ListenerInfo, ListenerSnapshot, Snapshot } from './snapshot.js';

/** Groups that there can be, the one for the rest included. */
export const GROUPS_MAX = 1024;

/** The group of everything that has no group of its own. */
export const OTHER_GROUP = 0;

/** Stands for a route or service that is not known (yet): refused before, or by a rule without a backend. */
export const UNKNOWN_LABEL = '-';

export interface GroupLabels {
  /** `namespace/gateway/listener`. */
  readonly listener: string;
  /** `namespace/name` of the HTTPRoute, or `-`. */
  readonly route: string;
  /** `namespace/name/port`, or `-`. */
  readonly service: string;
}

/** Labels by group number; `OTHER_GROUP` is the first. */
export type GroupAssignment = readonly GroupLabels[];

/** From indexes into a snapshot, -1 for not known, to a group number. */
export type GroupLookup = (listener: number, rule: number, service: number) => number;

const OTHER: GroupLabels = { listener: 'other', route: 'other', service: 'other' };

function keyOf({ listener, route, service }: GroupLabels): string {
  return `${listener} ${route} ${service}`;
}

export function listenerLabel({ gateway, name }: ListenerInfo): string {
  return `${gateway}/${name}`;
}

/** The rules that a listener's requests can come to, in order, each once. */
function rulesOf({ hosts }: ListenerSnapshot): ReadonlySet<number> {
  return new Set(hosts.flatMap(({ matches }) => matches.map(({ rule }) => rule)));
}

/** The services that a rule's requests can come to; -1: a backendRef that does not resolve, or no backend at all. */
function servicesOf(snapshot: Snapshot, rule: number): readonly number[] {
  const backends = snapshot.rules[rule]?.backends.filter(({ weight }) => weight > 0) ?? [];
  return backends.length === 0 ? [-1] : backends.map(({ service }) => service);
}

/** Labels of everything that a listener's connections can be counted under, its own without a route apart. */
function* routedGroups(snapshot: Snapshot, at: ListenerSnapshot): Generator<GroupLabels> {
  const listener = listenerLabel(at);
  for (const rule of rulesOf(at)) {
    const { route = UNKNOWN_LABEL } = snapshot.rules[rule] ?? {};
    for (const service of servicesOf(snapshot, rule)) {
      yield { listener, route, service: snapshot.services[service]?.name ?? UNKNOWN_LABEL };
    }
  }
}

/** Labels of everything that connections can be counted under, listeners first. */
function* allGroups(snapshot: Snapshot): Generator<GroupLabels> {
  for (const listener of snapshot.listeners) {
    yield { listener: listenerLabel(listener), route: UNKNOWN_LABEL, service: UNKNOWN_LABEL };
  }
  for (const listener of snapshot.listeners) yield* routedGroups(snapshot, listener);
}

/**
 * Gives every group of the snapshot a number; those of `previous` keep theirs. Listeners come first, so that what
 * overflows is detail.
 */
export function assignGroups(snapshot: Snapshot, previous: GroupAssignment = [OTHER]): GroupAssignment {
  const groups = [...previous];
  const known = new Set(groups.map(keyOf));
  for (const group of allGroups(snapshot)) {
    if (groups.length >= GROUPS_MAX) break;
    if (known.has(keyOf(group))) continue;
    known.add(keyOf(group));
    groups.push(group);
  }
  return groups;
}

/** The place of each rule's route among the routes of the rules. */
export function routesOfRules({ rules }: Snapshot): Int32Array {
  const places = placesOf(rules.map(({ route }) => route));
  return Int32Array.from(rules, ({ route }) => places.get(route) as number);
}

/** The groups of an assignment that a connection of this snapshot can be counted under, by index. */
export function groupEntries(snapshot: Snapshot, assignment: GroupAssignment): readonly GroupEntry[] {
  const listeners = placesOf(snapshot.listeners.map(listenerLabel));
  const routes = placesOf(snapshot.rules.map(({ route }) => route)).set(UNKNOWN_LABEL, -1);
  const services = placesOf(snapshot.services.map(({ name }) => name)).set(UNKNOWN_LABEL, -1);
  return assignment.flatMap((labels, group) => {
    const [listener, route] = [listeners.get(labels.listener), routes.get(labels.route)];
    const service = services.get(labels.service);
    if (listener === undefined || route === undefined || service === undefined) return [];
    return [{ listener, route, service, group }];
  });
}

/** Each name with its place among the different ones, in order. */
function placesOf(names: readonly string[]): Map<string, number> {
  return new Map([...new Set(names)].map((name, place) => [name, place]));
}

/**
 * Finds group numbers without allocating, in a table of integers (flat/group-table.ts). While no service is known, a
 * connection is its listener's, unless its route has nothing better.
 */
export function groupLookup(slots: Int32Array, ruleRoutes: Int32Array): GroupLookup {
  return (listener, rule, service) => {
    const group = findGroup(slots, listener, ruleRoutes[rule] ?? -1, service);
    if (group >= 0) return group;
    return Math.max(OTHER_GROUP, service < 0 ? findGroup(slots, listener, -1, -1) : OTHER_GROUP);
  };
}
