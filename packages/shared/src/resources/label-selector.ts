/**
 * Schema of LabelSelector (meta/v1): which objects are meant, by their labels.
 *
 * All requirements must hold; an empty selector means every object. Any thread.
 */
import { z } from 'zod';
import { choice, fields, wrong } from './schema.js';

const requirement = fields({
  key: z.string().min(1, wrong('must not be empty', 'name a label')),
  operator: choice(['In', 'NotIn', 'Exists', 'DoesNotExist']),
  values: z.array(z.string()).default([]),
}).superRefine(({ operator, values }, context) => {
  const lists = operator === 'In' || operator === 'NotIn';
  const add = (message: string) => context.addIssue({ code: 'custom', path: ['values'], message });
  if (lists && values.length === 0) add(wrong(`must have at least one value with operator: ${operator}`));
  if (!lists && values.length > 0) add(wrong(`has no meaning with operator: ${operator}`, 'remove the values'));
});

export const labelSelector = fields({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z.array(requirement).default([]),
});

export type LabelSelector = z.infer<typeof labelSelector>;
