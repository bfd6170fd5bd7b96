/**
 * Who comes first of two resources that want the same: the older one, then the first by `namespace/name` (the rule of the
 * Gateway API for routes, policies and ListenerSets).
 *
 * Total: no two resources of a kind are equal, so the order never depends on the files. Pure.
 */
import { type Resource, resourceName } from '../resources/resource.js';
import { compareText } from './hostname.js';

type Aged = Pick<Resource<unknown>, 'createdAtMs' | 'namespace' | 'name'>;

/** For a sort: the oldest first. */
export function compareAges(a: Aged, b: Aged): number {
  // Infinity - Infinity is NaN: two resources without a time are told apart by name.
  return Math.sign(a.createdAtMs - b.createdAtMs || 0) || compareText(resourceName(a), resourceName(b));
}
