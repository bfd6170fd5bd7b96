/**
 * Schemas of HTTPPathMatch and HTTPPathModifier: the path that a rule wants, and the one it puts in its place.
 *
 * The rules are the CRD's (httproute_types.go, HTTPPathMatch): a path in which `//`, `.` or an escaped slash could mean
 * two things is refused, so that what is matched here is what the backend sees; escaped dots and the like too, because no
 * request has them. Any thread.
 */
import { z } from 'zod';
import { regexFault } from './regular-expression.js';
import { choice, fields, wrong } from './schema.js';

const ALLOWED = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$/;

/** What is wrong with a path, with the hint; undefined when it is right. */
export function pathFault(path: string): string | undefined {
  if (!path.startsWith('/')) return wrong('is not an absolute path', 'begin it with "/"');
  if (path.length > 1024) return wrong('is longer than 1024 characters');
  if (path.includes('//')) return wrong('contains "//"', 'write each "/" once');
  if (/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path)) {
    return wrong('contains a "." or ".." element', 'write the path that is meant');
  }
  if (/%(?:[01][0-9a-f]|7f|5c)/i.test(path)) {
    return wrong('contains an escaped control character or backslash', 'no request with one is taken');
  }
  if (/%2f/i.test(path)) return wrong('contains an escaped "/"', 'a path element cannot contain "/"');
  if (!ALLOWED.test(path)) return wrong('contains a character that no path has', 'escape it as in %20');
  return undefined;
}

export const pathMatch = fields({
  type: choice(['Exact', 'PathPrefix', 'RegularExpression']).default('PathPrefix'),
  value: z.string().default('/'),
}).superRefine(({ type, value }, context) => {
  const fault = type === 'RegularExpression' ? regexFault(value) : pathFault(value);
  if (fault !== undefined) context.addIssue({ code: 'custom', path: ['value'], message: fault });
});

const replacement = (check: (path: string) => boolean) =>
  z.string().superRefine((value, context) => {
    const fault = check(value) ? pathFault(value) : undefined;
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  });

/** HTTPPathModifier; an empty replacePrefixMatch takes the prefix away. */
export const pathModifier = fields({
  type: choice(['ReplaceFullPath', 'ReplacePrefixMatch']),
  replaceFullPath: replacement(() => true).optional(),
  replacePrefixMatch: replacement((value) => value !== '').optional(),
}).superRefine((modifier, context) => {
  const { type } = modifier;
  const wanted = type === 'ReplaceFullPath' ? 'replaceFullPath' : 'replacePrefixMatch';
  const other = type === 'ReplaceFullPath' ? 'replacePrefixMatch' : 'replaceFullPath';
  const add = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
  if (modifier[wanted] === undefined) add(wanted, wrong(`is required with type: ${type}`, `as in ${wanted}: /chat`));
  if (modifier[other] !== undefined) add(other, wrong(`must not be there with type: ${type}`, `use ${wanted}`));
});

export type PathModifier = z.infer<typeof pathModifier>;
