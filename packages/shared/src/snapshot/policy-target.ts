/**
 * What a policy's targetRef means: an object that is there, in the policy's own namespace, with no other such policy.
 *
 * A target that does not exist is a warning, as a parentRef is: the policy does nothing and the rest is served. Two
 * policies of one kind for one target are an error: which of them counts would be chance. Pure.
 */
import type { ConfigIssue } from '../resources/issue.js';
import type { ConfigPath } from '../resources/path.js';
import type { TargetRef } from '../resources/policy-fields.js';
import { issueAt, type Resource, resourceName } from '../resources/resource.js';
import { compareText } from './hostname.js';

export interface PolicyTarget {
  readonly policy: Resource<unknown>;
  readonly ref: TargetRef;
  /** Where the reference stands in the policy. */
  readonly path: ConfigPath;
  /** `Service` or `HTTPRoute`. */
  readonly kind: string;
}

/** `namespace/name` of the target, if `known` has it; else undefined, and the issue that says why. */
export function resolveTarget(
  { policy, ref, path, kind }: PolicyTarget,
  known: ReadonlyMap<string, unknown>,
  issues: ConfigIssue[],
): string | undefined {
  if (ref.namespace !== undefined && ref.namespace !== policy.namespace) {
    const message = 'a reference into another namespace (ReferenceGrant) is not supported yet';
    const hint = `write the policy into namespace ${ref.namespace}`;
    issues.push(issueAt(policy, 'error', [...path, 'namespace'], message, hint));
    return undefined;
  }
  const key = `${policy.namespace}/${ref.name}`;
  if (known.has(key)) return key;
  const message = `there is no ${kind} ${key}: the policy does nothing`;
  issues.push(issueAt(policy, 'warning', [...path, 'name'], message));
  return undefined;
}

/** The error of a policy whose target already has one. `target`: as in `Service default/chat`. */
export function secondPolicy(policy: Resource<unknown>, path: ConfigPath, target: string, first: Resource<unknown>) {
  const message = `${target} already has ${first.kind} ${resourceName(first)}`;
  return issueAt(policy, 'error', path, message, 'a target has one policy of a kind');
}

/** Policies by name, so that it never depends on the files which of two is the first. */
export function byName<Policy extends Resource<unknown>>(policies: readonly Policy[]): Policy[] {
  return [...policies].sort((a, b) => compareText(resourceName(a), resourceName(b)));
}
