/**
 * `metadata`, and what surrounds `spec` in every resource.
 *
 * Names, namespace, labels and creation time are checked and kept; what a server sets is let through unread. Strict for
 * the kinds whose spec is strict, so that a misspelt `namespace` does not move a resource silently. Any thread.
 */
import { z } from 'zod';
import { fields, labelName, objectName, wrong } from './schema.js';

/** Of the annotations that are Sluice's own. */
export const ANNOTATION_PREFIX = 'sluice.dev/';

/** Annotations of others are nobody's business here; one of ours on a kind that reads none would do nothing. */
const foreignAnnotations = z.unknown().superRefine((value, context) => {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value).filter((name) => name.startsWith(ANNOTATION_PREFIX))) {
    const message = wrong('is not read on this kind', 'annotations of Sluice belong to a Service');
    context.addIssue({ code: 'unrecognized_keys', input: { ...value }, keys: [key], message });
  }
});

const checked = {
  name: objectName,
  namespace: labelName.default('default'),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: foreignAnnotations.optional(),
  creationTimestamp: z.iso
    .datetime({ offset: true, error: wrong('is not a time', 'write it as in 2026-01-31T12:00:00Z') })
    .transform((text) => Date.parse(text))
    .default(Number.POSITIVE_INFINITY),
};

const serverSet = [
  'generateName',
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'ownerReferences',
  'finalizers',
  'managedFields',
] as const;
type ServerSet = (typeof serverSet)[number];

const unread = Object.fromEntries(serverSet.map((key) => [key, z.unknown().optional()])) as Record<
  ServerSet,
  z.ZodOptional<z.ZodUnknown>
>;

/** Whole resource, unknown fields refused. */
export function strictResource<Spec extends z.ZodType>(spec: Spec) {
  return fields({
    apiVersion: z.string(),
    kind: z.string(),
    metadata: fields({ ...checked, ...unread }),
    spec,
    status: z.unknown().optional(),
  });
}

/** metadata of a core kind. */
export const coreMetadata = z.object(checked);

/** Whole resource of a core kind: only what is read is checked. */
export function coreResource<Shape extends z.core.$ZodLooseShape>(rest: Shape) {
  return z.object({ metadata: coreMetadata, ...rest });
}
