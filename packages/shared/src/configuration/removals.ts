/**
 * What becomes of the live connections of each metric group, should its listener or route be removed: told while they
 * stand, because the configuration without them does not say it any more. Pure; runs in the compiler's thread.
 */
import { type GroupAssignment, listenerLabel, UNKNOWN_LABEL } from '../snapshot/groups.js';
import type { RemovalSnapshot } from '../snapshot/service-policy.js';
import type { Snapshot } from '../snapshot/snapshot.js';

/** A group's listener, and its route at that listener. null: the configuration does not have it. */
export interface GroupRemoval {
  readonly listener: RemovalSnapshot | null;
  /** Of a group without a route it is the listener's. */
  readonly route: RemovalSnapshot | null;
}

/** By group number. */
export function groupRemovals(
  { listeners, routes, rules }: Pick<Snapshot, 'listeners' | 'routes' | 'rules'>,
  groups: GroupAssignment,
): readonly GroupRemoval[] {
  const ofRoute = new Map(routes.map(({ name, removal }) => [name, removal]));
  const standing = new Map<string, { readonly removal: RemovalSnapshot; readonly routes: ReadonlySet<string> }>();
  for (const listener of listeners) {
    const attached = new Set<string>();
    for (const { matches } of listener.hosts) {
      for (const { rule } of matches) attached.add(rules[rule]?.route ?? UNKNOWN_LABEL);
    }
    standing.set(listenerLabel(listener), { removal: listener.removal, routes: attached });
  }
  return groups.map(({ listener, route }): GroupRemoval => {
    const found = standing.get(listener);
    if (found === undefined) return { listener: null, route: null };
    if (route === UNKNOWN_LABEL) return { listener: found.removal, route: found.removal };
    const attached = found.routes.has(route) ? (ofRoute.get(route) ?? null) : null;
    return { listener: found.removal, route: attached };
  });
}
