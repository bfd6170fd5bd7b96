/**
 * What a policy's targetRef means: an object that is there, that the policy may refer to, and that has no older policy.
 *
 * A policy that cannot be honoured says so in a condition and a warning, and the rest is served. Of two policies of one
 * kind for one target the older counts, then the first by name (BackendTLSPolicySpec.TargetRefs), so that it never depends
 * on the files. Pure but for what it says.
 */
import type { IssueSeverity } from '../resources/issue.js';
import type { ConfigPath } from '../resources/path.js';
import { issueAt, type Resource, resourceName } from '../resources/resource.js';
import { absent } from './absence.js';
import { compareAges } from './age.js';
import type { CompileContext } from './context.js';
import { type GrantTarget, notPermitted } from './grants.js';

/** What the conditions of a kind of policy are called: the reference's words. */
export interface PolicyWords {
  /** Reason of `Accepted` when the policy is not honoured. */
  readonly invalid: string;
  /** Reason of `ResolvedRefs` when the target is not there. */
  readonly notFound: string;
  readonly targetGroup: string;
  readonly targetKind: 'Service' | 'HTTPRoute' | 'Gateway';
}

export interface TargetRef {
  readonly name: string;
  readonly namespace?: string | undefined;
}

/** Why a policy is not honoured, or not all of it. */
export interface Refusal {
  /** Reason of `ResolvedRefs`; '' when its references are as they should be. */
  readonly unresolved: string;
  /** Reason of `Accepted`; that of the kind when it is absent. */
  readonly reason?: string;
  readonly message: string;
  readonly hint?: string;
  /** Absent: a warning. */
  readonly severity?: IssueSeverity;
}

type Policy = Resource<unknown>;
type Said = Pick<CompileContext, 'book' | 'issues'>;

/** Conditions and an issue of a policy that is not honoured. */
export function refusePolicy(policy: Policy, words: PolicyWords, path: ConfigPath, refusal: Refusal, said: Said): void {
  const { unresolved, reason = words.invalid, message, hint = '', severity = 'warning' } = refusal;
  if (unresolved !== '') {
    said.book.policy(policy, { type: 'ResolvedRefs', status: 'False', reason: unresolved, message });
  }
  said.book.policy(policy, { type: 'Accepted', status: 'False', reason, message });
  said.issues.push(issueAt(policy, severity, path, message, hint));
}

/** The target, and why it is none: undefined when it is there and may be referred to. */
export function targetFault(
  policy: Policy,
  ref: TargetRef,
  words: PolicyWords,
  known: ReadonlyMap<string, unknown>,
  grants: CompileContext['grants'],
): (Refusal & { readonly field: 'name' | 'namespace' }) | undefined {
  const target = targetOf(policy, ref, words);
  if (!grants.allow(policy, target)) {
    return { field: 'namespace', unresolved: 'RefNotPermitted', ...notPermitted(policy, target) };
  }
  if (known.has(resourceName(target))) return undefined;
  const message = `${absent(words.targetKind, resourceName(target))}: the policy does nothing`;
  return { field: 'name', unresolved: words.notFound, message };
}

/** `namespace/name` of a target that the policy may refer to and that is there; else undefined, and it is said why. */
export function resolveTarget(
  policy: Policy,
  ref: TargetRef,
  path: ConfigPath,
  words: PolicyWords,
  known: ReadonlyMap<string, unknown>,
  context: CompileContext,
): string | undefined {
  const fault = targetFault(policy, ref, words, known, context.grants);
  if (fault === undefined) return resourceName(targetOf(policy, ref, words));
  refusePolicy(policy, words, [...path, fault.field], fault, context);
  return undefined;
}

function targetOf(
  policy: Policy,
  { name, namespace }: TargetRef,
  { targetGroup, targetKind }: PolicyWords,
): GrantTarget {
  return { group: targetGroup, kind: targetKind, namespace: namespace ?? policy.namespace, name };
}

/** The refusal of a policy whose target has an older one. `target`: as in `Service default/chat`. */
export function conflict(target: string, first: Policy): Refusal {
  const message = `${target} already has ${first.kind} ${resourceName(first)}`;
  return { unresolved: '', reason: 'Conflicted', message, hint: 'of two policies for one target the older counts' };
}

/** The oldest first, then by name. */
export function byAge<Kind extends Policy>(policies: readonly Kind[]): Kind[] {
  return [...policies].sort(compareAges);
}

/** Where a field of a policy's settings stands whose `override` wins: in `override` when it is there. */
export function mergedPath({ override }: { readonly override: object }, ...path: string[]): ConfigPath {
  let value: unknown = override;
  for (const step of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined;
  return ['spec', value === undefined ? 'default' : 'override', ...path];
}
