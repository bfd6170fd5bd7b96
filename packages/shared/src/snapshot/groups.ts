/**
 * Metric groups: small integers for the (listener, route, service) that a connection is counted under.
 *
 * Invariant: a number stands for the same labels as long as the process lives, because what was counted under it stays;
 * so an assignment only grows, and what no longer fits is counted in group 0. Made where the snapshot is compiled, and part
 * of what the threads get. Pure; any thread.
 */
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
function routedGroups(snapshot: Snapshot, at: ListenerSnapshot): GroupLabels[] {
  const listener = listenerLabel(at);
  return [...rulesOf(at)].flatMap((rule) => {
    const { route = UNKNOWN_LABEL } = snapshot.rules[rule] ?? {};
    return servicesOf(snapshot, rule).map((service) => {
      return { listener, route, service: snapshot.services[service]?.name ?? UNKNOWN_LABEL };
    });
  });
}

/**
 * Gives every group of the snapshot a number; those of `previous` keep theirs. Listeners come first, so that what
 * overflows is detail.
 */
export function assignGroups(snapshot: Snapshot, previous: GroupAssignment = [OTHER]): GroupAssignment {
  const groups = [...previous];
  const known = new Set(groups.map(keyOf));
  const listeners = snapshot.listeners.map((listener) => ({
    listener: listenerLabel(listener),
    route: UNKNOWN_LABEL,
    service: UNKNOWN_LABEL,
  }));
  const routed = snapshot.listeners.flatMap((listener) => routedGroups(snapshot, listener));
  for (const group of [...listeners, ...routed]) {
    if (groups.length >= GROUPS_MAX) break;
    if (known.has(keyOf(group))) continue;
    known.add(keyOf(group));
    groups.push(group);
  }
  return groups;
}

/**
 * Finds group numbers without allocating: a look into a map of integers. While no service is known, a connection is its
 * listener's, unless its route has nothing better.
 */
export function groupLookup(snapshot: Snapshot, assignment: GroupAssignment): GroupLookup {
  const numbers = new Map(assignment.map((group, number) => [keyOf(group), number]));
  const routes = [...new Set(snapshot.rules.map(({ route }) => route))];
  const places = new Map(routes.map((route, place) => [route, place]));
  const routeOfRule = snapshot.rules.map(({ route }) => places.get(route) as number);
  const services = snapshot.services.length;
  const slot = (listener: number, route: number, service: number): number =>
    (listener * (routes.length + 1) + route + 1) * (services + 1) + service + 1;
  const found = new Map<number, number>();
  snapshot.listeners.forEach((at, listener) => {
    const add = (route: number, service: number): void => {
      const labels = {
        listener: listenerLabel(at),
        route: routes[route] ?? UNKNOWN_LABEL,
        service: snapshot.services[service]?.name ?? UNKNOWN_LABEL,
      };
      const number = numbers.get(keyOf(labels));
      if (number !== undefined) found.set(slot(listener, route, service), number);
    };
    add(-1, -1);
    for (const rule of rulesOf(at)) {
      const route = routeOfRule[rule] as number;
      for (const service of servicesOf(snapshot, rule)) add(route, service);
    }
  });
  return (listener, rule, service) => {
    const group = found.get(slot(listener, routeOfRule[rule] ?? -1, service));
    if (group !== undefined) return group;
    return (service < 0 ? found.get(slot(listener, -1, -1)) : undefined) ?? OTHER_GROUP;
  };
}
