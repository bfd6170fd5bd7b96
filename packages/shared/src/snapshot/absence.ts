/**
 * The words for an object that a reference leads to and that is not there, and when they are not worth saying.
 *
 * An object that was refused is there for whoever wrote it: what is wrong with it is said at its own place, and that its
 * references lead nowhere follows. The words are made and known again in this file alone. Pure.
 */
import type { ConfigIssue } from '../resources/issue.js';
import type { Condition, ResourceStatus } from './status.js';

/** `name`: as in `default/chat`. What follows from it may be added behind a colon. */
export function absent(kind: string, name: string): string {
  return `there is no ${kind} ${name}`;
}

const ABSENT = /^there is no (\S+ [^\s:]+)(?::|$)/;
const WITHIN = /there is no (\S+ [^\s:,]+)/g;

/** Issues of a compilation, without those about the absence of objects that are there and were `read` with errors. */
export function withoutRefused(found: readonly ConfigIssue[], read: readonly ConfigIssue[]): ConfigIssue[] {
  const refused = refusedOf(read);
  return found.filter(({ message }) => {
    const object = ABSENT.exec(message)?.[1];
    return object === undefined || !refused.has(object);
  });
}

/** Conditions of a compilation, which call objects that were `read` with errors refused and not absent. */
export function withRefused(statuses: readonly ResourceStatus[], read: readonly ConfigIssue[]): ResourceStatus[] {
  const refused = refusedOf(read);
  const told = (condition: Condition): Condition => ({
    ...condition,
    message: condition.message.replace(WITHIN, (words, object) =>
      refused.has(object) ? `${object} has errors, which stand at its own place` : words,
    ),
  });
  const within = <T extends { readonly conditions: readonly Condition[] }>(part: T): T => ({
    ...part,
    conditions: part.conditions.map(told),
  });
  return statuses.map((status) => ({
    ...status,
    ...(status.conditions && { conditions: status.conditions.map(told) }),
    ...(status.listeners && { listeners: status.listeners.map(within) }),
    ...(status.parents && { parents: status.parents.map(within) }),
    ...(status.ancestors && { ancestors: status.ancestors.map(within) }),
  }));
}

function refusedOf(read: readonly ConfigIssue[]): Set<string> {
  return new Set(read.filter(({ severity }) => severity === 'error').map(({ resource }) => resource));
}
