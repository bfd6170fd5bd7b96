/**
 * What becomes of the live connections of each route at each listener, should one of the two be removed: told while they
 * stand, because the configuration without them does not say it any more.
 *
 * Crosses threads as one JSON text, in which each policy stands once: there may be many thousands of pairs. Pure; made in
 * the compiler's thread.
 */
import { listenerLabel } from '../snapshot/groups.js';
import { type OwnerOf, ownerOf } from '../snapshot/owners.js';
import type { RemovalSnapshot } from '../snapshot/service-policy.js';
import type { ListenerSnapshot, Snapshot } from '../snapshot/snapshot.js';

/** A route's `namespace/name`, the owner of its connections at the listener, and the place of its policy. */
export type RouteRemoval = readonly [route: string, owner: number, policy: number];

export interface ListenerRemovals {
  /** `namespace/gateway/listener`. */
  readonly listener: string;
  /** Place of its own policy. */
  readonly policy: number;
  /** Those that are attached to it, each once. */
  readonly routes: readonly RouteRemoval[];
}

/** Everything that stands. */
export interface Removals {
  /** By place. */
  readonly policies: readonly RemovalSnapshot[];
  readonly listeners: readonly ListenerRemovals[];
}

/** Different policies, by place. */
class Policies {
  readonly #places = new Map<string, number>();
  readonly all: RemovalSnapshot[] = [];

  place(removal: RemovalSnapshot): number {
    const { action, drainDeadlineMs, closeWindowMs } = removal;
    const key = `${action} ${drainDeadlineMs} ${closeWindowMs}`;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#places.set(key, this.all.length);
    return this.all.push(removal) - 1;
  }
}

/** The routes that a listener's connections can be of. */
function routesOf({ hosts }: ListenerSnapshot, rules: Snapshot['rules']): ReadonlySet<string> {
  const routes = new Set<string>();
  for (const { matches } of hosts) {
    for (const { rule } of matches) {
      const route = rules[rule]?.route;
      if (route !== undefined) routes.add(route);
    }
  }
  return routes;
}

/** `owner`: how owners are numbered. */
export function removalsOf(
  { listeners, routes, rules }: Pick<Snapshot, 'listeners' | 'routes' | 'rules'>,
  owner: OwnerOf = ownerOf,
): Removals {
  const policies = new Policies();
  const ofRoute = new Map(routes.map(({ name, removal }) => [name, policies.place(removal)]));
  const all = listeners.map((listener) => ({
    listener: listenerLabel(listener),
    policy: policies.place(listener.removal),
    routes: [...routesOf(listener, rules)].flatMap((route): RouteRemoval[] => {
      const policy = ofRoute.get(route);
      return policy === undefined ? [] : [[route, owner(listener, route), policy]];
    }),
  }));
  return { policies: policies.all, listeners: all };
}

export function encodeRemovals(removals: Removals): string {
  return JSON.stringify(removals);
}

/** What `encodeRemovals` made. */
export function decodeRemovals(text: string): Removals {
  return JSON.parse(text) as Removals;
}
