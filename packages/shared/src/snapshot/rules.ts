/**
 * Rules and their backends, each service and rule once, referred to by index.
 *
 * A backendRef that does not resolve keeps its weight and answers 500 for its share (HTTPRouteRule.BackendRefs); its
 * place and reason become a warning. Pure but for the table that it fills.
 */
import type { HttpRouteRule } from '../resources/http-route.js';
import type { ConfigIssue } from '../resources/issue.js';
import type { ConfigPath } from '../resources/path.js';
import { type HttpRoute, issueAt, resourceName } from '../resources/resource.js';
import type { AffinityIndex } from './affinity.js';
import { DEFAULT_LIMITS } from './rule-policy.js';
import { SERVICE_NAME_LABEL, type ServiceTable } from './services.js';
import type { BackendSnapshot, RuleSnapshot } from './snapshot.js';

const NO_ENDPOINT_HINT = `its EndpointSlices have the label ${SERVICE_NAME_LABEL} and a port of the same name`;

export interface RuleTable {
  readonly rules: readonly RuleSnapshot[];
  /** Index of the first rule of a route; the others follow it. */
  readonly firstRule: ReadonlyMap<HttpRoute, number>;
}

/** The rules of all routes, in the order of routes and rules. */
export function buildRules(
  routes: readonly HttpRoute[],
  services: ServiceTable,
  affinities: AffinityIndex,
  issues: ConfigIssue[],
): RuleTable {
  const rules: RuleSnapshot[] = [];
  const firstRule = new Map<HttpRoute, number>();
  for (const route of routes) {
    firstRule.set(route, rules.length);
    for (const [position, rule] of route.spec.rules.entries()) {
      const backends = buildBackends(route, rule, position, services, issues);
      const used = backends.flatMap(({ service }) => services.list[service] ?? []);
      const affinity = affinities.of(route, used);
      rules.push({
        route: resourceName(route),
        index: position,
        backends,
        affinity,
        filters: null,
        limits: DEFAULT_LIMITS,
        origins: null,
        broken: '',
      });
    }
  }
  return { rules, firstRule };
}

function buildBackends(
  route: HttpRoute,
  rule: HttpRouteRule,
  position: number,
  services: ServiceTable,
  issues: ConfigIssue[],
): BackendSnapshot[] {
  const path: ConfigPath = ['spec', 'rules', position];
  const warn = (at: ConfigPath, message: string, hint = '') =>
    issues.push(issueAt(route, 'warning', at, message, hint));
  if (rule.backendRefs.every(({ weight }) => weight === 0)) {
    const what = rule.backendRefs.length === 0 ? 'has no backendRefs' : 'has only backendRefs of weight 0';
    warn(path, `${what}: its requests are answered with 500`);
  }
  return rule.backendRefs.map((ref, index) => {
    const at = [...path, 'backendRefs', index];
    if (ref.namespace !== undefined && ref.namespace !== route.namespace) {
      const hint = 'refer to a Service in the namespace of the route';
      const message = 'a reference into another namespace (ReferenceGrant) is not supported yet';
      issues.push(issueAt(route, 'error', [...at, 'namespace'], message, hint));
      return { service: -1, weight: ref.weight, filters: null };
    }
    const service =
      ref.group !== '' || ref.kind !== 'Service' || ref.port === undefined
        ? `${ref.kind} ${ref.name} is no Service`
        : services.add({ namespace: route.namespace, name: ref.name, port: ref.port });
    if (typeof service === 'string') warn(at, `${service}: its share of the requests is answered with 500`);
    else if (services.list[service]?.targets.every(({ draining }) => draining)) {
      const message = `Service ${route.namespace}/${ref.name} has no ready endpoint on port ${ref.port}`;
      warn(at, `${message}: its share of the requests is answered with 503`, NO_ENDPOINT_HINT);
    }
    return { service: typeof service === 'string' ? -1 : service, weight: ref.weight, filters: null };
  });
}
