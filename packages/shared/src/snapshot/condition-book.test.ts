import { expect, test } from 'vitest';
import { gateway, healthCheck, parse, route } from '../testing/manifests.js';
import { createConditionBook, listenerPart, parentPart, WHOLE } from './condition-book.js';
import type { Condition } from './status.js';

function condition(type: string, reason: string): Condition {
  return { type, status: 'False', reason, message: '' };
}

const { gateways, httpRoutes, healthCheckPolicies } = parse(
  [gateway(), route({ parents: ['name: main', 'name: other'] }), healthCheck()].join('---\n'),
).resources;
const [main] = gateways;
const [chat] = httpRoutes;
const [policy] = healthCheckPolicies;
if (main === undefined || chat === undefined || policy === undefined) throw new Error('the manifests are wrong');

test('the first word on a type of condition stays', () => {
  const book = createConditionBook();
  book.gateway(main, condition('Accepted', 'First'));
  book.gateway(main, condition('Accepted', 'Second'));
  book.gateway(main, condition('Programmed', 'Third'));
  expect(book.said(main, WHOLE).map(({ reason }) => reason)).toEqual(['First', 'Third']);
});

test('a listener is not its Gateway, and one parent is not another', () => {
  const book = createConditionBook();
  book.listener(main, 'http', condition('Accepted', 'Listener'));
  book.route(chat, 1, condition('Accepted', 'Parent'));
  expect(book.said(main, WHOLE)).toEqual([]);
  expect(book.said(main, listenerPart('http'))).toHaveLength(1);
  expect(book.said(chat, parentPart(0))).toEqual([]);
  expect(book.said(chat, parentPart(1))).toHaveLength(1);
});

test('a word for every parent is no second word for one that has its own', () => {
  const book = createConditionBook();
  book.route(chat, 1, condition('Accepted', 'Own'));
  book.everyParent(chat, condition('Accepted', 'All'));
  expect([0, 1].map((parent) => book.said(chat, parentPart(parent))[0]?.reason)).toEqual(['All', 'Own']);
});

test('what is said of a policy for one target is not said of the policy', () => {
  const book = createConditionBook();
  const target = { group: '', kind: 'Service', name: 'chat' };
  book.policy(policy, condition('Accepted', 'Target'), target);
  expect(book.said(policy, WHOLE)).toEqual([]);
  expect(book.targets(policy)).toEqual([target]);
});
