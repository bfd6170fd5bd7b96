/**
 * What annotations and policies say of the connections of a route or a listener: limits, origins, removal.
 *
 * A rule's `timeouts` and the RoutePolicy bound the handshake (route-policy.ts says which of them counts); the annotations of
 * the HTTPRoute bound the connection. Pure.
 */
import type { HttpRouteRule } from '../resources/http-route.js';
import { type Gateway, type HttpRoute, resourceName } from '../resources/resource.js';
import { compileOrigins } from './origins.js';
import { compileRemoval } from './removal.js';
import { type RoutePolicyIndex, requestTimeout } from './route-policy.js';
import { DEFAULT_LIMITS, type LimitsSnapshot, type OriginsSnapshot } from './rule-policy.js';
import type { RemovalSnapshot } from './service-policy.js';

/** What is said of the connections of routes and listeners. */
export interface RoutePolicies {
  limitsOf(route: HttpRoute, rule: HttpRouteRule): LimitsSnapshot;
  /** null: everybody. */
  originsOf(route: HttpRoute): OriginsSnapshot | null;
  removalOf(resource: HttpRoute | Gateway): RemovalSnapshot;
  normalisesPaths(gateway: Gateway): boolean;
}

export function compileRoutePolicies(policies: RoutePolicyIndex): RoutePolicies {
  return {
    limitsOf(route, rule) {
      const { connectTimeoutMs, idleTimeoutMs, lifetimeMs, lifetimeJitter } = route.annotations;
      return {
        requestMs: requestTimeout(policies.get(resourceName(route)), rule),
        backendRequestMs: rule.timeouts.backendRequest ?? DEFAULT_LIMITS.backendRequestMs,
        connectMs: connectTimeoutMs ?? DEFAULT_LIMITS.connectMs,
        idleMs: idleTimeoutMs ?? DEFAULT_LIMITS.idleMs,
        lifetimeMs: lifetimeMs ?? DEFAULT_LIMITS.lifetimeMs,
        lifetimeJitter: lifetimeJitter ?? DEFAULT_LIMITS.lifetimeJitter,
      };
    },
    originsOf: compileOrigins,
    removalOf: compileRemoval,
    normalisesPaths: ({ annotations }) => annotations.paths === 'normalise',
  };
}
