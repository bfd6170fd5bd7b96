/**
 * ReferenceGrants: which references may cross from one namespace into another.
 *
 * A reference inside a namespace needs none. A grant stands in the namespace that is referred to, and says which kinds of
 * which namespaces may refer to which kinds of its own, or to one object by name (ReferenceGrantSpec, apis/v1beta1/
 * referencegrant_types.go). Looked up, never scanned. Pure.
 */

/** Who refers. */
export interface GrantSource {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
}

/** What is referred to. */
export interface GrantTarget {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export interface Grants {
  /** Whether the reference is permitted: inside a namespace always, into another one when a grant there says so. */
  allow(from: GrantSource, to: GrantTarget): boolean;
}

/** What of a ReferenceGrant counts. */
export interface Grant {
  readonly namespace: string;
  readonly spec: {
    readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
    readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string | undefined }[];
  };
}

/** Stands for every name; no object can be called so. */
const EVERY_NAME = '*';

export function indexGrants(grants: readonly Grant[]): Grants {
  const granted = new Map<string, Set<string>>();
  for (const { namespace, spec } of grants) {
    for (const from of spec.from) {
      for (const { group, kind, name = EVERY_NAME } of spec.to) {
        const key = keyOf(from, { group, kind, namespace });
        granted.set(key, (granted.get(key) ?? new Set()).add(name));
      }
    }
  }
  return {
    allow(from, to) {
      if (from.namespace === to.namespace) return true;
      const names = granted.get(keyOf(from, to));
      return names !== undefined && (names.has(EVERY_NAME) || names.has(to.name));
    },
  };
}

/** No part of a key can have a space in it. */
function keyOf(from: GrantSource, to: Omit<GrantTarget, 'name'>): string {
  return `${from.group} ${from.kind} ${from.namespace} ${to.group} ${to.kind} ${to.namespace}`;
}

/** What is wrong with a reference that no grant permits, and what would be right. */
export function notPermitted(from: GrantSource, to: GrantTarget): { readonly message: string; readonly hint: string } {
  const target = `${to.kind} ${to.namespace}/${to.name}`;
  return {
    message: `no ReferenceGrant in namespace ${to.namespace} permits a reference from ${from.kind} of namespace ${from.namespace} to ${target}`,
    hint: `write a ReferenceGrant into namespace ${to.namespace}: from ${from.kind} of ${from.namespace}, to ${to.kind}`,
  };
}
