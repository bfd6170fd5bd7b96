/** Conditions of compiled resources as short text, for comparisons. Tests only; nothing that is shipped imports this. */
import type { CompileResult } from '../snapshot/compile.js';
import type { Condition, ResourceStatus } from '../snapshot/status.js';

/** `Accepted True Accepted`. */
export function briefConditions(conditions: readonly Condition[]): string[] {
  return conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
}

/** The status of a resource: `Gateway`, `main` (of namespace default) or `other/main`. */
export function statusOf({ statuses }: CompileResult, kind: string, name: string): ResourceStatus {
  const full = name.includes('/') ? name : `default/${name}`;
  const found = statuses.find(
    (each) => each.kind === kind && [full, name].includes(`${each.namespace}/${each.name}`.replace(/^\//, '')),
  );
  if (found === undefined) throw new Error(`${kind} ${name} has no status`);
  return found;
}

/** Those of the resource itself. */
export function conditionsOf(result: CompileResult, kind: string, name: string): string[] {
  return briefConditions(statusOf(result, kind, name).conditions ?? []);
}

/** Those of a listener. */
export function listenerConditions(result: CompileResult, gateway: string, listener: string): string[] {
  const found = statusOf(result, 'Gateway', gateway).listeners?.find(({ name }) => name === listener);
  if (found === undefined) throw new Error(`Gateway ${gateway} has no status for listener ${listener}`);
  return briefConditions(found.conditions);
}

/** Those of a route, one list a parent. */
export function parentConditions(result: CompileResult, route: string): string[][] {
  return (statusOf(result, 'HTTPRoute', route).parents ?? []).map(({ conditions }) => briefConditions(conditions));
}

/** What condition `type` of a route says for its first parent; '' when it is not there. */
export function routeMessage(result: CompileResult, route: string, type: string): string {
  const [parent] = statusOf(result, 'HTTPRoute', route).parents ?? [];
  return parent?.conditions.find((condition) => condition.type === type)?.message ?? '';
}
