/**
 * Namespaces and their labels: which of them a selector means.
 *
 * A namespace needs no object to be there: without one it has the label that the API server gives to every namespace,
 * its name. Pure.
 */
import type { LabelSelector } from '../resources/label-selector.js';

/** Set by the API server on every namespace. */
export const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';

export type Labels = Readonly<Record<string, string>>;

export interface Namespaces {
  labelsOf(name: string): Labels;
}

export function indexNamespaces(namespaces: readonly { readonly name: string; readonly labels: Labels }[]): Namespaces {
  const written = new Map(namespaces.map(({ name, labels }) => [name, labels]));
  return { labelsOf: (name) => ({ ...written.get(name), [NAMESPACE_NAME_LABEL]: name }) };
}

/** Whether all requirements of the selector hold (LabelSelector, meta/v1); an empty one selects everything. */
export function selects({ matchLabels, matchExpressions }: LabelSelector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labelOf(labels, key) === value) &&
    matchExpressions.every((requirement) => holds(requirement, labels))
  );
}

function holds({ key, operator, values }: LabelSelector['matchExpressions'][number], labels: Labels): boolean {
  const value = labelOf(labels, key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
