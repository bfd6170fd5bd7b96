/**
 * Rules with their filters, limits and backends, each service and rule once, referred to by index.
 *
 * A rule with a filter that is not served answers 500 to all of its requests (HTTPRouteFilter.Type): it keeps its place,
 * so that no other rule gets them. Routes that serve nothing are looked through all the same, for their conditions. Pure
 * but for the table that it fills and what it says.
 */
import type { HttpRouteRule } from '../resources/http-route.js';
import type { ConfigPath } from '../resources/path.js';
import { type HttpRoute, resourceName } from '../resources/resource.js';
import type { AffinityIndex } from './affinity.js';
import { compileBackends, resolveReference, unknownExtension } from './backends.js';
import type { CompileContext } from './context.js';
import { compileFilters, isUnserved } from './filters.js';
import { checkHeaderFields } from './header-fields.js';
import type { RoutePolicies } from './route-limits.js';
import { createRouteReport, type RouteReport } from './route-report.js';
import type { ServiceTable } from './services.js';
import type { RuleSnapshot } from './snapshot.js';
import { unservedOfRoute, unservedOfRule } from './unserved-fields.js';

export interface RuleTable {
  readonly rules: readonly RuleSnapshot[];
  /** Index of the first rule of a served route; the others follow it. */
  readonly firstRule: ReadonlyMap<HttpRoute, number>;
  /** Routes of which no rule can be served as it is written. */
  readonly rejected: ReadonlySet<HttpRoute>;
}

/** What rules are made with. */
export interface RuleParts {
  readonly services: ServiceTable;
  readonly affinities: AffinityIndex;
  readonly policies: RoutePolicies;
}

/** The rules of all routes that are `served`, in the order of routes and rules. */
export function buildRules(
  routes: readonly HttpRoute[],
  served: ReadonlySet<HttpRoute>,
  parts: RuleParts,
  context: CompileContext,
): RuleTable {
  const rules: RuleSnapshot[] = [];
  const firstRule = new Map<HttpRoute, number>();
  const rejected = new Set<HttpRoute>();
  for (const route of routes) {
    const serving = served.has(route);
    const report = createRouteReport(route, serving, context);
    for (const field of unservedOfRoute(route)) report.servedWithout(field);
    if (serving) firstRule.set(route, rules.length);
    const origins = serving ? parts.policies.originsOf(route) : null;
    for (const [index, rule] of route.spec.rules.entries()) {
      checkHeaderFields(rule, index, report);
      for (const field of unservedOfRule(rule, index)) report.servedWithout(field);
      const broken = checkFilters(route, rule, index, parts.services, report, context);
      const backends = compileBackends(route, index, parts.services, report, context, serving);
      if (!serving) continue;
      warnOfNowhere(rule, index, broken, report);
      const used = backends.flatMap(({ service }) => parts.services.list[service] ?? []);
      const affinity = parts.affinities.of(route, used);
      const filters = compileFilters(rule.filters);
      const limits = parts.policies.limitsOf(route, rule);
      rules.push({ route: resourceName(route), index, backends, affinity, filters, limits, origins, broken });
    }
    if (!report.close()) rejected.add(route);
  }
  return { rules, firstRule, rejected };
}

const BROKEN = 'all requests of the rule are answered with 500';

/** Why the rule cannot be served, in words; '' when it can. */
function checkFilters(
  route: HttpRoute,
  rule: HttpRouteRule,
  index: number,
  services: ServiceTable,
  report: RouteReport,
  context: CompileContext,
): string {
  let broken = '';
  for (const [position, filter] of rule.filters.entries()) {
    const path: ConfigPath = ['spec', 'rules', index, 'filters', position];
    if (filter.requestMirror !== undefined) {
      report.notMirrored(path);
      const target = resolveReference(filter.requestMirror.backendRef, route.namespace, services, context);
      const at = [...path, 'requestMirror', 'backendRef'];
      if ('reason' in target) report.unresolved(at, target, 'nothing is mirrored anyhow');
    }
    if (!isUnserved(filter)) continue;
    const unknown = filter.extensionRef === undefined ? undefined : unknownExtension(filter.extensionRef);
    const message = unknown?.message ?? `a filter of type ${filter.type} is not served`;
    if (unknown !== undefined) report.unresolved(path, unknown, BROKEN);
    else report.unsupported(index, path, message, BROKEN);
    if (broken === '') broken = message;
  }
  return broken;
}

/** A rule that can send nothing anywhere, and does not redirect. */
function warnOfNowhere({ backendRefs, filters }: HttpRouteRule, index: number, broken: string, report: RouteReport) {
  if (broken !== '' || backendRefs.some(({ weight }) => weight > 0)) return;
  if (filters.some(({ requestRedirect }) => requestRedirect !== undefined)) return;
  const what = backendRefs.length === 0 ? 'has no backendRefs' : 'has only backendRefs of weight 0';
  report.warn(['spec', 'rules', index], `${what}: its requests are answered with 500`);
}
