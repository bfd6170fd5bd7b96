/**
 * Schema of HTTPPathMatch: the path that a rule wants.
 *
 * The rules are the CRD's (httproute_types.go, HTTPPathMatch): a path in which `//`, `.` or an escaped slash could mean
 * two things is refused, so that what is matched here is what the backend sees. Any thread.
 */
import { z } from 'zod';
import { choice, fields, wrong } from './schema.js';

const ALLOWED = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$/;

/** What is wrong with a path, with the hint; undefined when it is right. */
export function pathFault(path: string): string | undefined {
  if (!path.startsWith('/')) return wrong('is not an absolute path', 'begin it with "/"');
  if (path.length > 1024) return wrong('is longer than 1024 characters');
  if (path.includes('//')) return wrong('contains "//"', 'write each "/" once');
  if (/\/\.\.?(?:\/|$)/.test(path)) return wrong('contains a "." or ".." element', 'write the path that is meant');
  if (/%2f/i.test(path)) return wrong('contains an escaped "/"', 'a path element cannot contain "/"');
  if (!ALLOWED.test(path)) return wrong('contains a character that no path has', 'escape it as in %20');
  return undefined;
}

export const pathMatch = fields({
  type: choice(['Exact', 'PathPrefix'], ['RegularExpression']).default('PathPrefix'),
  value: z
    .string()
    .superRefine((value, context) => {
      const fault = pathFault(value);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
    })
    .default('/'),
});
