/**
 * TLS, which is compiled and which no worker speaks yet: an error each, so that nothing is served in plain text by accident.
 *
 * The file goes when the workers do speak it. Pure.
 */
import type { ConfigIssue } from '../resources/issue.js';
import { issueAt, type ResourceSet } from '../resources/resource.js';
import type { Listener } from './listeners.js';

const MESSAGE = 'TLS is not built yet';

/** `served`: the listeners of the snapshot. */
export function notServedYet(served: Iterable<Listener>, resources: ResourceSet): ConfigIssue[] {
  const listeners = [...served].filter(({ protocol }) => protocol === 'HTTPS');
  return [
    ...listeners.map(({ gateway, path }) => issueAt(gateway, 'error', [...path, 'protocol'], MESSAGE)),
    ...[...resources.backendTlsPolicies, ...resources.albBackendTlsPolicies].map((policy) =>
      issueAt(policy, 'error', [], MESSAGE),
    ),
  ];
}
