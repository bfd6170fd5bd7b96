/**
 * RoutePolicy to session affinity: the cookie that it asks for, and whether the services of the route can honour it.
 *
 * The cookie works through the ring, so, as in the reference product, affinity is refused for a service with any other
 * strategy; round-robin by default is another one too. Pure but for what it
 * says.
 */
import type { ConfigPath } from '../resources/path.js';
import { mergeConfig } from '../resources/policy-fields.js';
import { type HttpRoute, issueAt, type RoutePolicy, resourceName } from '../resources/resource.js';
import type { CompileContext } from './context.js';
import { refusePolicy } from './policy-target.js';
import { ROUTE_POLICY_WORDS, type RoutePolicyIndex } from './route-policy.js';
import type { AffinitySnapshot } from './service-policy.js';
import type { ServiceSnapshot } from './snapshot.js';

/** The reference's managed cookie. */
const MANAGED: AffinitySnapshot = { cookie: 'AGCAffinity', maxAgeS: 86_400 };
/** Names that browsers take with `Secure` alone (RFC 6265bis 4.1.3), which the cookie of a plain listener cannot have. */
const SECURE_NAME = /^__(?:Host|Secure)-/i;

interface Affinity {
  readonly policy: RoutePolicy;
  /** Where the policy asks for it. */
  readonly path: ConfigPath;
  readonly affinity: AffinitySnapshot;
}

export interface AffinityIndex {
  /** The affinity of the rules of a route that send to these services; null for none, or when it is refused. */
  of(route: HttpRoute, services: readonly ServiceSnapshot[]): AffinitySnapshot | null;
}

/** Issues for cookies that are not right, and later for services that cannot have one. */
export function indexAffinity(policies: RoutePolicyIndex, context: CompileContext): AffinityIndex {
  const affinities = new Map<string, Affinity>();
  for (const [key, policy] of policies) {
    const affinity = compileAffinity(policy, context);
    if (affinity !== undefined) affinities.set(key, affinity);
  }
  const refused = new Set<string>();
  return {
    of(route, services) {
      const found = affinities.get(resourceName(route));
      if (found === undefined) return null;
      const unfit = services.filter(({ balancing }) => balancing.strategy !== 'ring-hash');
      for (const service of unfit) {
        const mark = `${resourceName(route)} ${service.name}`;
        if (!refused.has(mark)) refuseService(found, route, service, context);
        refused.add(mark);
      }
      return unfit.length > 0 ? null : found.affinity;
    },
  };
}

function refuseService(affinity: Affinity, route: HttpRoute, service: ServiceSnapshot, context: CompileContext): void {
  const { policy, path } = affinity;
  const message =
    `session affinity needs strategy ring-hash, ` +
    `but service ${service.name} of HTTPRoute ${resourceName(route)} has ${service.balancing.strategy}`;
  const hint = 'give its Service a BackendLoadBalancingPolicy with strategy: ring-hash';
  const refusal = { unresolved: '', message, hint, severity: 'error' } as const;
  refusePolicy(policy, ROUTE_POLICY_WORDS, path, refusal, context);
}

function compileAffinity(policy: RoutePolicy, context: CompileContext): Affinity | undefined {
  const { default: base, override: over } = policy.spec;
  const merged = mergeConfig(base, over).sessionAffinity;
  if (merged === undefined) return undefined;
  const said = over.sessionAffinity?.affinityType === undefined && base.sessionAffinity ? 'default' : 'override';
  const path: ConfigPath = ['spec', said, 'sessionAffinity'];
  const warn = (field: string, message: string, hint: string) =>
    context.issues.push(issueAt(policy, 'warning', [...path, field], message, hint));
  const fail = (field: string, message: string, hint = '') => {
    const condition = { status: 'False', reason: ROUTE_POLICY_WORDS.invalid, message: `${field} ${message}` } as const;
    context.book.policy(policy, { type: 'Accepted', ...condition });
    context.issues.push(issueAt(policy, 'error', [...path, field], message, hint));
  };
  const { affinityType, cookieName, cookieDuration } = merged;
  if (affinityType === undefined) {
    fail('affinityType', 'is required', 'use managed-cookie or application-cookie');
    return undefined;
  }
  if (affinityType === 'managed-cookie') {
    const unread = Object.keys(merged).filter((field) => field !== 'affinityType');
    const hint = `the cookie is ${MANAGED.cookie}, for ${MANAGED.maxAgeS} seconds`;
    for (const field of unread) warn(field, 'is not read with managed-cookie', hint);
    return { policy, path, affinity: MANAGED };
  }
  if (cookieName === undefined) fail('cookieName', 'is required with application-cookie');
  if (cookieDuration === undefined) fail('cookieDuration', 'is required with application-cookie', 'as in 3600s');
  if (cookieName === undefined || cookieDuration === undefined) return undefined;
  if (SECURE_NAME.test(cookieName)) {
    const message = 'is a name that browsers take with the attribute Secure alone, which the cookie does not have';
    warn('cookieName', message, 'choose one that begins with neither __Host- nor __Secure-');
  }
  return { policy, path, affinity: { cookie: cookieName, maxAgeS: Math.ceil(cookieDuration / 1000) } };
}
