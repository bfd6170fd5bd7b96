/**
 * The book of conditions: what the steps of the compiler said of resources, before the rest is filled in (statuses.ts).
 *
 * Invariant: of a part of a resource the first word on a type of condition stays. A part is the resource itself, a
 * listener of a Gateway, a parent of a route, or an ancestor of a policy. Lives for one compilation.
 */
import type { Resource } from '../resources/resource.js';
import type { AncestorStatus, Condition, StatusBook } from './status.js';

/** The part that is the resource itself. */
export const WHOLE = '';

export interface ConditionBook extends StatusBook {
  /** What was said of a part, in the order in which it was said. */
  said(resource: Resource<unknown>, part: string): readonly Condition[];
  /** The targets of a policy of which something was said. */
  targets(policy: Resource<unknown>): readonly AncestorStatus['ancestorRef'][];
}

export function listenerPart(name: string): string {
  return `listener ${name}`;
}

export function parentPart(position: number): string {
  return `parent ${position}`;
}

export function ancestorPart(target: AncestorStatus['ancestorRef']): string {
  return `ancestor ${JSON.stringify(target)}`;
}

const NOTHING: readonly Condition[] = [];

export function createConditionBook(): ConditionBook {
  const said = new Map<Resource<unknown>, Map<string, Condition[]>>();
  const targets = new Map<Resource<unknown>, Map<string, AncestorStatus['ancestorRef']>>();
  const write = (resource: Resource<unknown>, part: string, condition: Condition): void => {
    const parts = at(said, resource, () => new Map<string, Condition[]>());
    const conditions = at(parts, part, (): Condition[] => []);
    if (!conditions.some(({ type }) => type === condition.type)) conditions.push(condition);
  };
  return {
    listener: (gateway, listener, condition) => write(gateway, listenerPart(listener), condition),
    gateway: (gateway, condition) => write(gateway, WHOLE, condition),
    route: (route, parent, condition) => write(route, parentPart(parent), condition),
    everyParent(route, condition) {
      for (const parent of route.spec.parentRefs.keys()) write(route, parentPart(parent), condition);
    },
    policy(policy, condition, target) {
      if (target === undefined) return write(policy, WHOLE, condition);
      const part = ancestorPart(target);
      at(targets, policy, () => new Map<string, AncestorStatus['ancestorRef']>()).set(part, target);
      write(policy, part, condition);
    },
    said: (resource, part) => said.get(resource)?.get(part) ?? NOTHING,
    targets: (policy) => [...(targets.get(policy)?.values() ?? [])],
  };
}

function at<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = create();
  map.set(key, value);
  return value;
}
