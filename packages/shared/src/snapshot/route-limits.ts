/**
 * What annotations and policies say of the connections of a route, a listener or a service: limits, origins, removal.
 *
 * Pure.
 */
import type { HttpRouteRule } from '../resources/http-route.js';
import type { Gateway, HttpRoute } from '../resources/resource.js';
import type { CompileContext } from './context.js';
import { DEFAULT_LIMITS, type LimitsSnapshot, type OriginsSnapshot } from './rule-policy.js';
import { DEFAULT_REMOVAL, type RemovalSnapshot } from './service-policy.js';

/** What is said of the connections of routes and listeners. */
export interface RoutePolicies {
  limitsOf(route: HttpRoute, rule: HttpRouteRule): LimitsSnapshot;
  /** null: everybody. */
  originsOf(route: HttpRoute): OriginsSnapshot | null;
  removalOf(resource: HttpRoute | Gateway): RemovalSnapshot;
  normalisesPaths(gateway: Gateway): boolean;
}

export function compileRoutePolicies(_context: CompileContext): RoutePolicies {
  return {
    limitsOf: () => DEFAULT_LIMITS,
    originsOf: () => null,
    removalOf: () => DEFAULT_REMOVAL,
    normalisesPaths: () => false,
  };
}
