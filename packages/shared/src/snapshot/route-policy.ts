/**
 * RoutePolicy: which one an HTTPRoute has, and what it says of the time that a request may take.
 *
 * `override` beats the route's own `timeouts.request`, and `default` is beaten by it; where both speak, the condition says
 * so (AcceptedWithTimeoutConflict, the reference's word). Session affinity is affinity.ts. Pure but for what it says.
 */
import type { HttpRouteRule } from '../resources/http-route.js';
import { type HttpRoute, type RoutePolicy, resourceName } from '../resources/resource.js';
import type { CompileContext } from './context.js';
import { byAge, conflict, type PolicyWords, refusePolicy, resolveTarget } from './policy-target.js';

export const ROUTE_POLICY_WORDS: PolicyWords = {
  invalid: 'InvalidRoutePolicy',
  notFound: 'InvalidHTTPRoute',
  targetGroup: 'gateway.networking.k8s.io',
  targetKind: 'HTTPRoute',
};
const TARGET = ['spec', 'targetRef'];

/** The policies that count, by `namespace/name` of the HTTPRoute. */
export type RoutePolicyIndex = ReadonlyMap<string, RoutePolicy>;

export function indexRoutePolicies(context: CompileContext): RoutePolicyIndex {
  const routes = new Map(context.resources.httpRoutes.map((route) => [resourceName(route), route]));
  const owners = new Map<string, RoutePolicy>();
  for (const policy of byAge(context.resources.routePolicies)) {
    const key = resolveTarget(policy, policy.spec.targetRef, TARGET, ROUTE_POLICY_WORDS, routes, context);
    if (key === undefined) continue;
    const first = owners.get(key);
    if (first === undefined) owners.set(key, policy);
    else refusePolicy(policy, ROUTE_POLICY_WORDS, TARGET, conflict(`HTTPRoute ${key}`, first), context);
  }
  for (const [key, policy] of owners) sayTimeoutConflict(policy, routes.get(key), context);
  return owners;
}

/** How long a request of the rule may take, milliseconds: 0 for ever, null what the options of the process say. */
export function requestTimeout(policy: RoutePolicy | undefined, { timeouts }: HttpRouteRule): number | null {
  const { over, base } = routeTimeouts(policy);
  return over ?? timeouts.request ?? base ?? null;
}

function routeTimeouts(policy: RoutePolicy | undefined) {
  const over = policy?.spec.override.timeouts?.routeTimeout;
  return { over, base: policy?.spec.default.timeouts?.routeTimeout };
}

function sayTimeoutConflict(policy: RoutePolicy, route: HttpRoute | undefined, { book }: CompileContext): void {
  const { over, base } = routeTimeouts(policy);
  const timed = route?.spec.rules.some(({ timeouts }) => timeouts.request !== undefined) ?? false;
  if (!timed || (over ?? base) === undefined) return;
  const loser = over === undefined ? 'default.timeouts of the policy' : 'timeouts.request of the route';
  const message = `routeTimeout and timeouts.request of a rule both speak: ${loser} does not count there`;
  book.policy(policy, { type: 'Accepted', status: 'True', reason: 'AcceptedWithTimeoutConflict', message });
}
