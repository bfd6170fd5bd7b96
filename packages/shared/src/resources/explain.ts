/**
 * From what a schema found wrong to what a person can use: place, path, message, hint.
 *
 * One issue for each unknown field; a missing field has the position of what it is missing from; a field that must not
 * be there has the position of its key, a wrong value its own. No message shows a value of a Secret. Any thread.
 */
import type { z } from 'zod';
import type { ConfigIssue } from './issue.js';
import type { ConfigPath } from './path.js';
import { issueAt, type Origin } from './resource.js';
import { foundName } from './schema.js';

export interface Subject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly origin: Origin;
}

/** The issues of one resource, whose plain value the schema refused. */
export function explain(subject: Subject, value: unknown, error: z.core.$ZodError): ConfigIssue[] {
  const issues = error.issues.flatMap((issue) => explainOne(subject, value, issue));
  // A number that is too large for its type is too large for its range as well.
  return [...new Map(issues.map((issue) => [`${issue.path} ${issue.message}`, issue])).values()];
}

function explainOne(subject: Subject, value: unknown, issue: z.core.$ZodIssue): ConfigIssue[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? step.toString() : step));
  const [text = '', hint = ''] = issue.message.split('\n');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => issueAt(subject, 'error', [...path, key], text, hint, 'key'));
  }
  if (issue.code === 'invalid_type' && issue.expected === 'undefined') {
    return [issueAt(subject, 'error', path, text, hint, 'key')];
  }
  const found = valueAt(value, path);
  const secret = subject.kind === 'Secret';
  if (found === undefined && issue.code !== 'custom') return [issueAt(subject, 'error', path, 'is required')];
  if (issue.code === 'invalid_type')
    return [
      issueAt(subject, 'error', path, typeMessage(issue.expected, secret ? kindOfValue(found) : foundName(found))),
    ];
  return [issueAt(subject, 'error', path, `${secret ? '' : printed(found, text)}${text}`, hint)];
}

/** A short value in front of a message that speaks of it (`"x y" is not a valid name`). */
function printed(value: unknown, message: string): string {
  if (!/^(?:is|contains) /.test(message)) return '';
  if (typeof value !== 'string' && typeof value !== 'number') return '';
  const text = JSON.stringify(value);
  return text.length > 80 ? '' : `${text} `;
}

/** What a value is, without the value. */
function kindOfValue(found: unknown): string {
  return typeof found === 'object' ? foundName(found) : `a ${typeof found}`;
}

function typeMessage(expected: string, found: string): string {
  return `must be ${expectedName(expected)}, not ${found}`;
}

function expectedName(expected: string): string {
  if (expected === 'int') return 'a whole number';
  if (expected === 'object' || expected === 'record') return 'a mapping';
  if (expected === 'array') return 'a sequence';
  return `a ${expected}`;
}

function valueAt(value: unknown, path: ConfigPath): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string | number, unknown>)[step];
  }
  return current;
}
