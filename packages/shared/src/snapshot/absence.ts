/**
 * The words for an object that a reference leads to and that is not there, and when they are not worth saying.
 *
 * An object that was refused is there for whoever wrote it: what is wrong with it is said at its own place, and that its
 * references lead nowhere follows. The words are made and known again in this file alone. Pure.
 */
import type { ConfigIssue } from '../resources/issue.js';

/** `name`: as in `default/chat`. What follows from it may be added behind a colon. */
export function absent(kind: string, name: string): string {
  return `there is no ${kind} ${name}`;
}

const ABSENT = /^there is no (\S+ [^\s:]+)(?::|$)/;

/** Issues of a compilation, without those about the absence of objects that are there and were `read` with errors. */
export function withoutRefused(found: readonly ConfigIssue[], read: readonly ConfigIssue[]): ConfigIssue[] {
  const refused = new Set(read.filter(({ severity }) => severity === 'error').map(({ resource }) => resource));
  return found.filter(({ message }) => {
    const object = ABSENT.exec(message)?.[1];
    return object === undefined || !refused.has(object);
  });
}
