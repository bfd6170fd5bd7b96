/**
 * What annotations and policies say of the connections of a route, a listener or a service: limits, origins, removal.
 *
 * Pure.
 */
import type { ConfigIssue } from '../resources/issue.js';
import type { Gateway, HttpRoute } from '../resources/resource.js';
import { DEFAULT_LIMITS, type LimitsSnapshot, type OriginsSnapshot } from './rule-policy.js';
import { DEFAULT_REMOVAL, type RemovalSnapshot } from './service-policy.js';

/** What a route says of all of its rules; `timeouts` of a rule come on top. */
export interface RoutePolicies {
  limitsOf(route: HttpRoute): LimitsSnapshot;
  /** null: everybody. */
  originsOf(route: HttpRoute): OriginsSnapshot | null;
  removalOf(resource: HttpRoute | Gateway): RemovalSnapshot;
  normalisesPaths(gateway: Gateway): boolean;
}

export function compileRoutePolicies(_issues: ConfigIssue[]): RoutePolicies {
  return {
    limitsOf: () => DEFAULT_LIMITS,
    originsOf: () => null,
    removalOf: () => DEFAULT_REMOVAL,
    normalisesPaths: () => false,
  };
}
