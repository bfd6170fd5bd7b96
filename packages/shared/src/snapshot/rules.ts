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
import { resolveService, SERVICE_NAME_LABEL, type ServiceIndex } from './services.js';
import type { BackendSnapshot, RuleSnapshot, ServiceSnapshot } from './snapshot.js';

const NO_ENDPOINT_HINT = `its EndpointSlices have the label ${SERVICE_NAME_LABEL} and a port of the same name`;

export interface RuleTable {
  readonly rules: readonly RuleSnapshot[];
  readonly services: readonly ServiceSnapshot[];
  readonly issues: readonly ConfigIssue[];
  /** Index of the first rule of a route; the others follow it. */
  readonly firstRule: ReadonlyMap<HttpRoute, number>;
}

/** The rules of all routes, in the order of routes and rules. */
export function buildRules(routes: readonly HttpRoute[], index: ServiceIndex): RuleTable {
  const rules: RuleSnapshot[] = [];
  const issues: ConfigIssue[] = [];
  const firstRule = new Map<HttpRoute, number>();
  const services = createServiceTable(index);
  for (const route of routes) {
    firstRule.set(route, rules.length);
    for (const [position, rule] of route.spec.rules.entries()) {
      const backends = buildBackends(route, rule, position, services, issues);
      rules.push({ route: resourceName(route), index: position, backends, affinity: null });
    }
  }
  return { rules, services: services.list, issues, firstRule };
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
      return { service: -1, weight: ref.weight };
    }
    const service = services.add({ namespace: route.namespace, name: ref.name, port: ref.port });
    if (typeof service === 'string') warn(at, `${service}: its share of the requests is answered with 500`);
    else if (services.list[service]?.targets.length === 0) {
      const message = `Service ${route.namespace}/${ref.name} has no ready endpoint on port ${ref.port}`;
      warn(at, `${message}: its share of the requests is answered with 503`, NO_ENDPOINT_HINT);
    }
    return { service: typeof service === 'string' ? -1 : service, weight: ref.weight };
  });
}

interface ServiceTable {
  readonly list: readonly ServiceSnapshot[];
  /** Index of the service that a reference means, or why it means none. */
  add(ref: { namespace: string; name: string; port: number }): number | string;
}

function createServiceTable(index: ServiceIndex): ServiceTable {
  const list: ServiceSnapshot[] = [];
  const known = new Map<string, number | string>();
  return {
    list,
    add(ref) {
      const key = `${ref.namespace}/${ref.name}/${ref.port}`;
      const before = known.get(key);
      if (before !== undefined) return before;
      const resolved = resolveService(index, ref);
      const result = typeof resolved === 'string' ? resolved : list.push(resolved) - 1;
      known.set(key, result);
      return result;
    },
  };
}
