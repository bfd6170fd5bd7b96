/**
 * Schema of HTTPCORSFilter: which cross-origin requests a rule answers.
 *
 * The rules are the CRD's (httproute_types.go): a `*` stands alone, lists are bounded and have nothing twice. Any thread.
 */
import { z } from 'zod';
import { headerName } from './header-field.js';
import { originFault } from './origin.js';
import { atMost, choice, fields, wholeNumber, wrong } from './schema.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', '*'] as const;

const origin = z.string().superRefine((value, context) => {
  const fault = originFault(value);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

/** A list without repetitions; one with `*` in it has nothing else. */
function wildcardList<Item extends z.ZodType<string>>(item: Item, max: number) {
  return z
    .array(item)
    .max(max, atMost(max))
    .default([])
    .superRefine((entries: readonly string[], context) => {
      const seen = new Set<string>();
      for (const [index, entry] of entries.entries()) {
        const key = entry.toLowerCase();
        const add = (message: string) => context.addIssue({ code: 'custom', path: [index], message });
        if (seen.has(key)) add(wrong('is there twice', 'remove one'));
        else if (entry === '*' && entries.length > 1)
          add(wrong('must stand alone', 'remove the other entries, or the "*"'));
        seen.add(key);
      }
    });
}

export const corsFilter = fields({
  allowOrigins: wildcardList(origin, 64),
  allowCredentials: z.boolean().default(false),
  allowMethods: wildcardList(choice(METHODS), 9),
  allowHeaders: wildcardList(headerName, 64),
  exposeHeaders: wildcardList(headerName, 64),
  /** Seconds. */
  maxAge: wholeNumber(1, 2_147_483_647).default(5),
});

export type CorsFilter = z.infer<typeof corsFilter>;
