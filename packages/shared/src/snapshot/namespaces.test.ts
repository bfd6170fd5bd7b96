import { expect, test } from 'vitest';
import type { LabelSelector } from '../resources/label-selector.js';
import { indexNamespaces, selects } from './namespaces.js';

const LABELS = { team: 'chat', tier: 'gold' };

function requirement(
  operator: LabelSelector['matchExpressions'][number]['operator'],
  key: string,
  ...values: string[]
): LabelSelector {
  return { matchLabels: {}, matchExpressions: [{ key, operator, values }] };
}

test.each([
  ['nothing at all', { matchLabels: {}, matchExpressions: [] }, true],
  ['one label', { matchLabels: { team: 'chat' }, matchExpressions: [] }, true],
  ['another value', { matchLabels: { team: 'echo' }, matchExpressions: [] }, false],
  ['one label of two', { matchLabels: { team: 'chat', zone: 'a' }, matchExpressions: [] }, false],
  ['a label that every object inherits', { matchLabels: { toString: 'x' }, matchExpressions: [] }, false],
  ['In', requirement('In', 'team', 'echo', 'chat'), true],
  ['In without it', requirement('In', 'team', 'echo'), false],
  ['In of an absent label', requirement('In', 'zone', 'a'), false],
  ['NotIn', requirement('NotIn', 'team', 'echo'), true],
  ['NotIn with it', requirement('NotIn', 'team', 'chat'), false],
  ['NotIn of an absent label', requirement('NotIn', 'zone', 'a'), true],
  ['Exists', requirement('Exists', 'tier'), true],
  ['Exists of an absent label', requirement('Exists', 'zone'), false],
  ['DoesNotExist', requirement('DoesNotExist', 'zone'), true],
  ['DoesNotExist of a label that is there', requirement('DoesNotExist', 'tier'), false],
  ['labels and expressions', { ...requirement('Exists', 'tier'), matchLabels: { team: 'echo' } }, false],
])('a selector: %s', (_, selector, expected) => {
  expect(selects(selector, LABELS)).toBe(expected);
});

test('a namespace has its name as a label, with an object or without', () => {
  const namespaces = indexNamespaces([{ name: 'team', labels: LABELS }]);
  expect(namespaces.labelsOf('team')).toEqual({ ...LABELS, 'kubernetes.io/metadata.name': 'team' });
  expect(namespaces.labelsOf('other')).toEqual({ 'kubernetes.io/metadata.name': 'other' });
});
