import { expect, test } from 'vitest';
import {
  brief,
  compile,
  documents,
  gateway,
  loadBalancing,
  marked,
  route,
  routePolicy,
  service,
  slice,
} from '../testing/manifests.js';

const PLAIN = documents(
  gateway(),
  route({ rules: ['backendRefs: [{ name: chat, port: 80 }]', 'backendRefs: [{ name: chat, port: 80, weight: 2 }]'] }),
  service(),
  slice(),
);
const BASE = documents(PLAIN, loadBalancing());
const MANAGED = 'sessionAffinity: { affinityType: managed-cookie }';

function affinityOf(spec: string) {
  const { snapshot, issues } = compile(BASE, routePolicy(spec));
  expect(brief(issues)).toEqual([]);
  return snapshot.rules.map(({ affinity }) => affinity);
}

test.each([
  [`default: { ${MANAGED} }`, 'AGCAffinity', 86_400],
  [
    'default: { sessionAffinity: { affinityType: "application-cookie", cookieName: "nomnom", cookieDuration: 3600s } }',
    'nomnom',
    3600,
  ],
  [
    'default: { sessionAffinity: { affinityType: application-cookie, cookieName: a, cookieDuration: 60 } }, ' +
      'override: { sessionAffinity: { cookieName: b } }',
    'b',
    60,
  ],
  [`override: { ${MANAGED} }`, 'AGCAffinity', 86_400],
])('%s', (spec, cookie, maxAgeS) => {
  expect(affinityOf(spec)).toEqual([
    { cookie, maxAgeS },
    { cookie, maxAgeS },
  ]);
});

test.each(['default: {}', 'override: {}'])('a policy that asks for nothing gives nothing: %s', (spec) => {
  expect(affinityOf(spec)).toEqual([null, null]);
});

test('a route without a policy has no affinity', () => {
  const { snapshot } = compile(
    BASE,
    route({ name: 'other', rules: ['backendRefs: [{ name: chat, port: 80 }]'] }),
    routePolicy(`default: { ${MANAGED} }`),
  );
  expect(snapshot.rules.map(({ route: name, affinity }) => [name, affinity?.cookie])).toEqual([
    ['default/chat', 'AGCAffinity'],
    ['default/chat', 'AGCAffinity'],
    ['default/other', undefined],
  ]);
});

test.each([
  ['default: { sessionAffinity: { cookieName: a } }', 'default.sessionAffinity.affinityType', 'is required'],
  [
    'default: { sessionAffinity: { affinityType: application-cookie, cookieDuration: 1s } }',
    'default.sessionAffinity.cookieName',
    'is required with application-cookie',
  ],
  [
    'override: { sessionAffinity: { affinityType: application-cookie, cookieName: a } }',
    'override.sessionAffinity.cookieDuration',
    'is required with application-cookie',
  ],
])('an incomplete cookie is an error: %s', (spec, path, message) => {
  const { text, line, column } = marked(routePolicy(spec.replace('sessionAffinity: {', 'sessionAffinity: §{')));
  const { snapshot, issues } = compile(text, BASE);
  expect(issues).toMatchObject([{ severity: 'error', line, column, path: `spec.${path}`, message }]);
  expect(snapshot.rules[0]?.affinity).toBeNull();
});

test.each(['__Host-chat', '__secure-chat'])('a cookie that browsers would drop is a warning: %s', (name) => {
  const spec = `default: { sessionAffinity: { affinityType: application-cookie, cookieName: ${name}, cookieDuration: 1s } }`;
  const { snapshot, issues } = compile(BASE, routePolicy(spec));
  expect(issues.map(({ severity, path }) => [severity, path])).toEqual([
    ['warning', 'spec.default.sessionAffinity.cookieName'],
  ]);
  expect(snapshot.rules[0]?.affinity?.cookie).toBe(name);
});

test('name and duration of a managed cookie are not read, which is a warning', () => {
  const spec = 'default: { sessionAffinity: { affinityType: managed-cookie, cookieName: a, cookieDuration: 1s } }';
  const { snapshot, issues } = compile(BASE, routePolicy(spec));
  expect(issues.map(({ severity, path }) => [severity, path])).toEqual([
    ['warning', 'spec.default.sessionAffinity.cookieName'],
    ['warning', 'spec.default.sessionAffinity.cookieDuration'],
  ]);
  expect(snapshot.rules[0]?.affinity?.cookie).toBe('AGCAffinity');
});

test.each([
  ['', 'round-robin'],
  [loadBalancing('slowStart: { window: 10s }'), 'round-robin'],
  [loadBalancing('strategy: least-request'), 'least-request'],
  [loadBalancing('strategy: load-aware'), 'load-aware'],
])('affinity with any strategy but ring-hash is refused, once for a service', (policy, strategy) => {
  const { text, line, column } = marked(routePolicy('default: { sessionAffinity: §{ affinityType: managed-cookie } }'));
  const { snapshot, issues } = compile(text, PLAIN, policy === '' ? service('unused') : policy);
  expect(issues).toMatchObject([
    { severity: 'error', line, column, path: 'spec.default.sessionAffinity', resource: 'RoutePolicy default/policy' },
  ]);
  expect(issues[0]?.message).toBe(
    'session affinity needs strategy ring-hash, ' +
      `but service default/chat/80 of HTTPRoute default/chat has ${strategy}`,
  );
  expect(snapshot.rules.map(({ affinity }) => affinity)).toEqual([null, null]);
});

test('one unfit service of several is enough', () => {
  const refs = 'backendRefs: [{ name: chat, port: 80 }, { name: echo, port: 80 }]';
  const { issues } = compile(
    documents(gateway(), route({ rules: [refs] }), service(), service('echo'), loadBalancing()),
    routePolicy(`default: { ${MANAGED} }`),
  );
  expect(issues.map(({ severity, message }) => [severity, /service (\S+)/.exec(message)?.[1]])).toEqual([
    ['error', 'default/echo/80'],
  ]);
});

test('a policy without a route is a warning', () => {
  const { text, line, column } = marked(routePolicy(`default: { ${MANAGED} }`, {}, 'name: §gone'));
  const message = 'there is no HTTPRoute default/gone: the policy does nothing';
  expect(compile(text, BASE).issues).toMatchObject([
    { severity: 'warning', line, column, path: 'spec.targetRef.name', message },
  ]);
});

test('of several policies for one route the first counts, even when it asks for nothing', () => {
  const more = ['b', 'c'].map((name) => routePolicy(`default: { ${MANAGED} }`, { name }));
  const { snapshot, issues } = compile(...more, BASE, routePolicy('default: {}', { name: 'a' }));
  const message = 'spec.targetRef: HTTPRoute default/chat already has RoutePolicy default/a';
  expect(brief(issues)).toEqual([message, message]);
  expect(snapshot.rules[0]?.affinity).toBeNull();
});
