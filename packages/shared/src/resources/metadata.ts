/**
 * `metadata`, and what surrounds `spec` in every resource.
 *
 * Names, namespace, labels, our annotations and creation time are checked and kept; what a server sets is let through unread. Strict for
 * the kinds whose spec is strict, so that a misspelt `namespace` does not move a resource silently. Any thread.
 */
import { z } from 'zod';
import { type AnnotatedKind, annotationsSchema } from './annotations.js';
import { fields, labelName, objectName, wrong } from './schema.js';

const checked = {
  name: objectName,
  namespace: labelName.default('default'),
  labels: z.record(z.string(), z.string()).default({}),
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

/** Whole resource, unknown fields refused. `kind`: of the annotations that it may have. */
export function strictResource<Spec extends z.ZodType, Kind extends AnnotatedKind>(spec: Spec, kind?: Kind) {
  return fields({
    apiVersion: z.string(),
    kind: z.string(),
    metadata: fields({ ...checked, annotations: annotationsSchema(kind), ...unread }),
    spec,
    status: z.unknown().optional(),
  });
}

/** Whole resource of a core kind: only what is read is checked. */
export function coreResource<Shape extends z.core.$ZodLooseShape, Kind extends AnnotatedKind>(
  rest: Shape,
  kind?: Kind,
) {
  return z.object({ metadata: z.object({ ...checked, annotations: annotationsSchema(kind) }), ...rest });
}
