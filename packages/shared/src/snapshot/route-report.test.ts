import { expect, test } from 'vitest';
import { brief, compile, documents, gateway, marked, route, service, slice } from '../testing/manifests.js';
import { parentConditions, routeMessage, statusOf } from '../testing/statuses.js';
import type { CompileResult } from './compile.js';

const REF = 'backendRefs: [{ name: chat, port: 80 }]';
const RESOLVED = 'ResolvedRefs True ResolvedRefs';
const AUTH = `filters: [{ type: ExternalAuth, externalAuth: {} }], ${REF}`;
const EXTENSION = `filters: [{ type: ExtensionRef, extensionRef: { group: example.com, kind: Limit, name: a } }], ${REF}`;
const BROKEN = 'all requests of the rule are answered with 500';

function withRules(...rules: string[]): CompileResult {
  return compile(documents(gateway(), route({ rules }), service(), slice()));
}

function mirror(name: string, more = ''): string {
  return `filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: ${name}, port: 80${more} } } }], ${REF}`;
}

function attachedRoutes(result: CompileResult): number | undefined {
  return statusOf(result, 'Gateway', 'main').listeners?.[0]?.attachedRoutes;
}

test('a rule with a filter that is not served answers 500, and the others are served', () => {
  const result = withRules(REF, AUTH);
  expect(result.issues.map(({ severity, path, message }) => [severity, path, message])).toEqual([
    ['warning', 'spec.rules[1].filters[0]', `a filter of type ExternalAuth is not served: ${BROKEN}`],
  ]);
  expect(result.snapshot.rules.map(({ broken }) => broken)).toEqual([
    '',
    'a filter of type ExternalAuth is not served',
  ]);
  expect(parentConditions(result, 'chat')).toEqual([
    ['Accepted True Accepted', RESOLVED, 'PartiallyInvalid True UnsupportedValue'],
  ]);
  expect(routeMessage(result, 'chat', 'PartiallyInvalid')).toBe(
    `Dropped Rule 1: spec.rules[1].filters[0] a filter of type ExternalAuth is not served: ${BROKEN}`,
  );
  expect(attachedRoutes(result)).toBe(1);
});

test('a route without a rule that is served is not accepted, does not count, and still answers 500', () => {
  const result = withRules(AUTH);
  expect(parentConditions(result, 'chat')).toEqual([['Accepted False UnsupportedValue', RESOLVED]]);
  expect(attachedRoutes(result)).toBe(0);
  expect(result.snapshot.listeners[0]?.hosts[0]?.matches).toHaveLength(1);
  expect(result.snapshot.rules[0]?.broken).not.toBe('');
});

test('an extension that is not known is a reference that leads nowhere, and breaks its rule', () => {
  const result = withRules(EXTENSION);
  expect(parentConditions(result, 'chat')).toEqual([['Accepted True Accepted', 'ResolvedRefs False InvalidKind']]);
  expect(result.snapshot.rules[0]?.broken).toBe('an ExtensionRef of kind Limit of group example.com is not known');
});

test('a mirror is left out, which the condition says, and everything else is served', () => {
  const result = withRules(mirror('chat'));
  const message = 'RequestMirror does nothing for a WebSocket: its stream cannot be sent to two backends';
  expect(result.issues.map(({ severity, path, message }) => [severity, path, message])).toEqual([
    ['warning', 'spec.rules[0].filters[0]', message],
  ]);
  expect(parentConditions(result, 'chat')).toEqual([['Accepted True Accepted', RESOLVED]]);
  expect(routeMessage(result, 'chat', 'Accepted')).toBe(`spec.rules[0].filters[0]: ${message}`);
  expect(result.snapshot.rules[0]).toMatchObject({ broken: '', filters: null, backends: [{ service: 0 }] });
});

const RETRY =
  'is not supported: up to 3 endpoints are tried while connecting fails, and none once the request was sent';

test('what a rule is served without is a warning at the field, and in the condition of the route', () => {
  const retry = `retry: { attempts: 2 }, ${REF}`;
  const result = withRules(retry, REF, `${retry}, sessionPersistence: { sessionName: a }`);
  expect(result.issues.map(({ severity, path }) => [severity, path])).toEqual([
    ['warning', 'spec.rules[0].retry'],
    ['warning', 'spec.rules[2].retry'],
    ['warning', 'spec.rules[2].sessionPersistence'],
  ]);
  expect(parentConditions(result, 'chat')).toEqual([['Accepted True Accepted', RESOLVED]]);
  expect(routeMessage(result, 'chat', 'Accepted')).toBe(
    `spec.rules[0].retry, spec.rules[2].retry: ${RETRY}; ` +
      'spec.rules[2].sessionPersistence: is not supported: the rule is served without it',
  );
  const plain = withRules(REF, REF, REF);
  expect(result.snapshot).toEqual(plain.snapshot);
});

test('a warning of a field that is not served stands at its key', () => {
  const { text, line, column } = marked(route({ rules: [`${REF}, §retry: { attempts: 2 }`] }));
  expect(compile(documents(gateway(), service(), slice()), text).issues).toMatchObject([
    { file: 'test2.yaml', line, column, path: 'spec.rules[0].retry', message: RETRY },
  ]);
});

test('default Gateways are not looked for, and none are asked for with None', () => {
  const withDefault = (value: string) => {
    const text = route({ rules: [REF] }).replace('spec:\n', `spec:\n  useDefaultGateways: ${value}\n`);
    return compile(documents(gateway(), text, service(), slice()));
  };
  const message = 'is not supported: the route belongs to its parentRefs alone';
  expect(brief(withDefault('All').issues)).toEqual([`spec.useDefaultGateways: ${message}`]);
  expect(routeMessage(withDefault('All'), 'chat', 'Accepted')).toBe(`spec.useDefaultGateways: ${message}`);
  expect(withDefault('None').issues).toEqual([]);
  expect(routeMessage(withDefault('None'), 'chat', 'Accepted')).toBe('');
});

test('a rule that is not served and one that is served without a field have a condition each', () => {
  const result = withRules(`retry: {}, ${REF}`, AUTH);
  expect(parentConditions(result, 'chat')).toEqual([
    ['Accepted True Accepted', RESOLVED, 'PartiallyInvalid True UnsupportedValue'],
  ]);
  expect(routeMessage(result, 'chat', 'Accepted')).toBe(`spec.rules[0].retry: ${RETRY}`);
  const none = withRules(`retry: {}, ${AUTH}`);
  expect(parentConditions(none, 'chat')).toEqual([['Accepted False UnsupportedValue', RESOLVED]]);
});

test.each([
  ['gone', '', 'BackendNotFound'],
  ['chat', ', namespace: other', 'RefNotPermitted'],
  ['chat', ', kind: Pod', 'InvalidKind'],
])('a mirror to %s%s leads nowhere: %s', (name, more, reason) => {
  const result = withRules(mirror(name, more));
  expect(parentConditions(result, 'chat')).toEqual([['Accepted True Accepted', `ResolvedRefs False ${reason}`]]);
  expect(result.snapshot.rules[0]?.broken).toBe('');
});

test('a word about a route is one for each of its parents that accepts it', () => {
  const parents = ['name: main', 'name: other'];
  const result = compile(documents(gateway(), route({ parents, rules: [REF, AUTH] }), service(), slice()));
  expect(parentConditions(result, 'chat')).toEqual([
    ['Accepted True Accepted', RESOLVED, 'PartiallyInvalid True UnsupportedValue'],
    ['Accepted False NoMatchingParent', RESOLVED],
  ]);
});

test('a redirect needs no backend', () => {
  const result = withRules('filters: [{ type: RequestRedirect, requestRedirect: { scheme: https } }]');
  expect(result.issues).toEqual([]);
  expect(result.snapshot.rules[0]).toMatchObject({
    broken: '',
    backends: [],
    filters: { redirect: { scheme: 'https' } },
  });
});
