import { expect, test } from 'vitest';
import { type ConfigIssue, formatIssue, hasErrors, sortIssues } from './issue.js';
import { formatPath } from './path.js';

const ISSUE: ConfigIssue = {
  severity: 'error',
  file: 'a.yaml',
  line: 3,
  column: 7,
  path: 'spec.rules[0]',
  resource: 'HTTPRoute default/chat',
  message: 'unknown field',
  hint: 'known here: name',
};

test('an issue prints its place, severity, resource, path, message and hint', () => {
  expect(formatIssue(ISSUE)).toBe(
    'a.yaml:3:7: error: HTTPRoute default/chat spec.rules[0]: unknown field; known here: name',
  );
});

test('what is empty leaves no punctuation behind', () => {
  expect(formatIssue({ ...ISSUE, hint: '', path: '' })).toBe(
    'a.yaml:3:7: error: HTTPRoute default/chat: unknown field',
  );
  expect(formatIssue({ ...ISSUE, line: 0, column: 0, path: '', resource: '', hint: '' })).toBe(
    'a.yaml: error: unknown field',
  );
});

test('only errors are errors', () => {
  expect(hasErrors([{ ...ISSUE, severity: 'warning' }])).toBe(false);
  expect(hasErrors([{ ...ISSUE, severity: 'warning' }, ISSUE])).toBe(true);
});

test('issues sort by file, line and column', () => {
  const places = [
    { ...ISSUE, file: 'b.yaml', line: 1 },
    { ...ISSUE, line: 10 },
    { ...ISSUE, line: 9, column: 20 },
    { ...ISSUE, line: 9, column: 3 },
  ];
  expect(sortIssues(places).map(({ file, line, column }) => [file, line, column])).toEqual([
    ['a.yaml', 9, 3],
    ['a.yaml', 9, 20],
    ['a.yaml', 10, 7],
    ['b.yaml', 1, 7],
  ]);
});

test('a path quotes the keys that are no plain words', () => {
  expect(formatPath(['metadata', 'labels', 'kubernetes.io/service-name'])).toBe(
    'metadata.labels["kubernetes.io/service-name"]',
  );
  expect(formatPath(['spec', 'rules', 0, 'backendRefs', 1, 'port'])).toBe('spec.rules[0].backendRefs[1].port');
  expect(formatPath([])).toBe('');
});
