/**
 * What the schemas take and the compiler does not serve yet: an error each, so that nothing is served otherwise than written.
 *
 * Each entry goes when its part of the compiler comes; the file goes with the last. Pure.
 */
import type { ConfigIssue } from '../resources/issue.js';
import type { ConfigPath } from '../resources/path.js';
import { issueAt, type Resource, type ResourceSet } from '../resources/resource.js';

export function notYet(resources: ResourceSet): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const refuse = (resource: Resource<unknown>, path: ConfigPath) =>
    issues.push(issueAt(resource, 'error', path, 'is not supported yet'));
  for (const policy of resources.routePolicies) {
    const { default: base, override } = policy.spec;
    if (base.timeouts?.routeTimeout !== undefined) refuse(policy, ['spec', 'default', 'timeouts']);
    if (override.timeouts?.routeTimeout !== undefined) refuse(policy, ['spec', 'override', 'timeouts']);
  }
  const { backendTlsPolicies, albBackendTlsPolicies, frontendTlsPolicies } = resources;
  for (const policy of [...backendTlsPolicies, ...albBackendTlsPolicies, ...frontendTlsPolicies]) refuse(policy, []);
  return issues;
}
