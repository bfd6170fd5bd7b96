/**
 * Two habits of the reference product's own examples, which run unchanged here: each is taken as it is meant, with a warning.
 *
 * `version:` in place of `apiVersion:`, and a policy without a namespace whose target has one. For the kinds of
 * alb.networking.azure.io alone. Any thread.
 */
import { ALB_GROUP, groupOf } from './kinds.js';
import type { ConfigPath } from './path.js';
import { isRecord, type SourceObject } from './source.js';

export interface Meant {
  readonly object: SourceObject;
  /** What was taken for something else: where, and what to write. */
  readonly notes: readonly { readonly path: ConfigPath; readonly message: string; readonly hint: string }[];
}

/** The object as its author meant it. */
export function asMeant(object: SourceObject): Meant {
  const notes: Meant['notes'][number][] = [];
  let { value } = object;
  if (value.apiVersion === undefined && typeof value.version === 'string' && groupOf(value.version) === ALB_GROUP) {
    const { version, ...rest } = value;
    value = { ...rest, apiVersion: version };
    notes.push({ path: ['version'], message: 'is taken for apiVersion', hint: `write apiVersion: ${version}` });
  }
  const namespace = targetNamespace(value);
  if (namespace !== undefined && typeof value.apiVersion === 'string' && groupOf(value.apiVersion) === ALB_GROUP) {
    const metadata = isRecord(value.metadata) ? value.metadata : {};
    value = { ...value, metadata: { ...metadata, namespace } };
    const message = `has no namespace: taken into ${namespace}, the namespace of its target`;
    notes.push({ path: ['metadata'], message, hint: `write namespace: ${namespace}` });
  }
  return { object: notes.length === 0 ? object : { ...object, value }, notes };
}

/** The namespace of spec.targetRef, when the object itself names none. */
function targetNamespace({ metadata, spec }: SourceObject['value']): string | undefined {
  if (!isRecord(metadata) || metadata.namespace !== undefined || !isRecord(spec)) return undefined;
  const target = spec.targetRef;
  return isRecord(target) && typeof target.namespace === 'string' ? target.namespace : undefined;
}
