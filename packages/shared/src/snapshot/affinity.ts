/**
 * RoutePolicy to session affinity: which policy an HTTPRoute has, and whether its services can honour it.
 *
 * The cookie works through the ring, so, as in the reference product, affinity is refused for a service with any other
 * strategy; round-robin by default is another one too. Pure.
 */
import type { ConfigIssue } from '../resources/issue.js';
import type { ConfigPath } from '../resources/path.js';
import { mergeConfig } from '../resources/policy-fields.js';
import { type HttpRoute, issueAt, type RoutePolicy, resourceName } from '../resources/resource.js';
import { byName, resolveTarget, secondPolicy } from './policy-target.js';
import type { AffinitySnapshot } from './service-policy.js';
import type { ServiceSnapshot } from './snapshot.js';

/** The reference's managed cookie. */
const MANAGED: AffinitySnapshot = { cookie: 'AGCAffinity', maxAgeS: 86_400 };
const TARGET = ['spec', 'targetRef'];
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

/** Reads all policies; issues for targets and cookies that are not right, and later for services that cannot have it. */
export function indexAffinity(
  policies: readonly RoutePolicy[],
  routes: readonly HttpRoute[],
  issues: ConfigIssue[],
): AffinityIndex {
  const known = new Map(routes.map((route) => [resourceName(route), route]));
  const owners = new Map<string, RoutePolicy>();
  const affinities = new Map<string, Affinity>();
  for (const policy of byName(policies)) {
    const affinity = compileAffinity(policy, issues);
    const ref = policy.spec.targetRef;
    const key = resolveTarget({ policy, ref, path: TARGET, kind: 'HTTPRoute' }, known, issues);
    if (key === undefined) continue;
    const first = owners.get(key);
    if (first !== undefined) issues.push(secondPolicy(policy, TARGET, `HTTPRoute ${key}`, first));
    else if (affinity !== undefined) affinities.set(key, affinity);
    owners.set(key, first ?? policy);
  }
  const refused = new Set<string>();
  return {
    of(route, services) {
      const found = affinities.get(resourceName(route));
      if (found === undefined) return null;
      const unfit = services.filter(({ balancing }) => balancing.strategy !== 'ring-hash');
      for (const service of unfit) {
        const mark = `${resourceName(route)} ${service.name}`;
        if (!refused.has(mark)) issues.push(refusal(found, route, service));
        refused.add(mark);
      }
      return unfit.length > 0 ? null : found.affinity;
    },
  };
}

function refusal({ policy, path }: Affinity, route: HttpRoute, { name, balancing }: ServiceSnapshot): ConfigIssue {
  const message =
    `session affinity needs strategy ring-hash, ` +
    `but service ${name} of HTTPRoute ${resourceName(route)} has ${balancing.strategy}`;
  const hint = 'give its Service a BackendLoadBalancingPolicy with strategy: ring-hash';
  return issueAt(policy, 'error', path, message, hint);
}

function compileAffinity(policy: RoutePolicy, issues: ConfigIssue[]): Affinity | undefined {
  const { default: base, override: over } = policy.spec;
  const merged = mergeConfig(base, over).sessionAffinity;
  if (merged === undefined) return undefined;
  const said = over.sessionAffinity?.affinityType === undefined && base.sessionAffinity ? 'default' : 'override';
  const path: ConfigPath = ['spec', said, 'sessionAffinity'];
  const report = (severity: 'error' | 'warning', field: string, message: string, hint = '') =>
    issues.push(issueAt(policy, severity, [...path, field], message, hint));
  const { affinityType, cookieName, cookieDuration } = merged;
  if (affinityType === undefined) {
    report('error', 'affinityType', 'is required', 'use managed-cookie or application-cookie');
    return undefined;
  }
  if (affinityType === 'managed-cookie') {
    const unread = Object.keys(merged).filter((field) => field !== 'affinityType');
    const hint = `the cookie is ${MANAGED.cookie}, for ${MANAGED.maxAgeS} seconds`;
    for (const field of unread) report('warning', field, 'is not read with managed-cookie', hint);
    return { policy, path, affinity: MANAGED };
  }
  if (cookieName === undefined) report('error', 'cookieName', 'is required with application-cookie');
  if (cookieDuration === undefined)
    report('error', 'cookieDuration', 'is required with application-cookie', 'as in 3600s');
  if (cookieName === undefined || cookieDuration === undefined) return undefined;
  if (SECURE_NAME.test(cookieName)) {
    const message = 'is a name that browsers take with the attribute Secure alone, which the cookie does not have';
    report('warning', 'cookieName', message, 'choose one that begins with neither __Host- nor __Secure-');
  }
  return { policy, path, affinity: { cookie: cookieName, maxAgeS: Math.ceil(cookieDuration / 1000) } };
}
