/**
 * References from one object to another: group, kind, namespace, name.
 *
 * Any group and kind is let through here: what a reference may mean is the compiler's question, and the answer to a wrong
 * one a condition of the object, so that the rest of the file is served. Any thread.
 * Source: kubernetes-sigs/gateway-api, apis/v1/object_reference_types.go.
 */
import { fields, groupName, kindName, labelName, objectName } from './schema.js';

/** A reference to a Secret, unless it says otherwise (SecretObjectReference). */
export const secretRef = fields({
  group: groupName.default(''),
  kind: kindName.default('Secret'),
  namespace: labelName.optional(),
  name: objectName,
});

/** A reference within the namespace (LocalObjectReference); the core group when none is written. */
export const localRef = fields({
  group: groupName.default(''),
  kind: kindName,
  name: objectName,
});
