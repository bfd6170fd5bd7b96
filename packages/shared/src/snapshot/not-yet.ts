/**
 * What the schemas take and the compiler does not serve yet: an error each, so that nothing is served otherwise than written.
 *
 * Each entry goes when its part of the compiler comes; the file goes with the last. Pure.
 */
import type { HttpFilter } from '../resources/http-filter.js';
import type { ConfigIssue } from '../resources/issue.js';
import type { ConfigPath } from '../resources/path.js';
import { issueAt, type Resource, type ResourceSet } from '../resources/resource.js';

export function notYet(resources: ResourceSet): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const refuse = (resource: Resource<unknown>, path: ConfigPath) =>
    issues.push(issueAt(resource, 'error', path, 'is not supported yet'));
  for (const gateway of resources.gateways) {
    if (gateway.spec.addresses.length > 0) refuse(gateway, ['spec', 'addresses']);
    gateway.spec.listeners.forEach(({ protocol, allowedRoutes }, index) => {
      const at = ['spec', 'listeners', index];
      if (protocol !== 'HTTP') refuse(gateway, [...at, 'protocol']);
      if (allowedRoutes.namespaces.from === 'Selector') refuse(gateway, [...at, 'allowedRoutes', 'namespaces', 'from']);
    });
  }
  for (const route of resources.httpRoutes) {
    route.spec.rules.forEach((rule, index) => {
      const at: ConfigPath = ['spec', 'rules', index];
      const refuseFilters = (filters: readonly HttpFilter[], path: ConfigPath) => {
        if (filters.length > 0) refuse(route, [...path, 'filters']);
      };
      refuseFilters(rule.filters, at);
      rule.backendRefs.forEach((ref, position) => void refuseFilters(ref.filters, [...at, 'backendRefs', position]));
      if (Object.keys(rule.timeouts).length > 0) refuse(route, [...at, 'timeouts']);
      rule.matches.forEach((match, position) => {
        const inMatch = [...at, 'matches', position];
        if (match.path.type === 'RegularExpression') refuse(route, [...inMatch, 'path', 'type']);
        for (const list of ['headers', 'queryParams'] as const) {
          if (match[list].some(({ type }) => type === 'RegularExpression')) refuse(route, [...inMatch, list]);
        }
      });
    });
  }
  for (const policy of resources.routePolicies) {
    const { default: base, override } = policy.spec;
    if (base.timeouts?.routeTimeout !== undefined) refuse(policy, ['spec', 'default', 'timeouts']);
    if (override.timeouts?.routeTimeout !== undefined) refuse(policy, ['spec', 'override', 'timeouts']);
  }
  const { backendTlsPolicies, albBackendTlsPolicies, frontendTlsPolicies } = resources;
  for (const policy of [...backendTlsPolicies, ...albBackendTlsPolicies, ...frontendTlsPolicies]) refuse(policy, []);
  return issues;
}
