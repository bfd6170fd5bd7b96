import { expect, test } from 'vitest';
import { type Grant, type GrantSource, type GrantTarget, indexGrants, notPermitted } from './grants.js';

const ROUTE: GrantSource = { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'team' };
const SERVICE: GrantTarget = { group: '', kind: 'Service', namespace: 'backends', name: 'chat' };
const GRANT: Grant = { namespace: 'backends', spec: { from: [ROUTE], to: [{ group: '', kind: 'Service' }] } };

function allowed(grant: Grant, from: Partial<GrantSource> = {}, to: Partial<GrantTarget> = {}): boolean {
  return indexGrants([grant]).allow({ ...ROUTE, ...from }, { ...SERVICE, ...to });
}

test('a reference inside a namespace needs no grant', () => {
  expect(indexGrants([]).allow(ROUTE, { ...SERVICE, namespace: 'team' })).toBe(true);
});

test('a reference into another namespace needs a grant there', () => {
  expect(indexGrants([]).allow(ROUTE, SERVICE)).toBe(false);
  expect(allowed(GRANT)).toBe(true);
  expect(allowed({ ...GRANT, namespace: 'team' })).toBe(false);
});

test.each([
  ['namespace of the source', { namespace: 'other' }, {}],
  ['kind of the source', { kind: 'Gateway' }, {}],
  ['group of the source', { group: '' }, {}],
  ['kind of the target', {}, { kind: 'Secret' }],
  ['group of the target', {}, { group: 'example.com' }],
  ['namespace of the target', {}, { namespace: 'others' }],
])('a grant is for its own %s', (_, from, to) => {
  expect(allowed(GRANT, from, to)).toBe(false);
});

test('a grant with a name is for that object alone', () => {
  const named: Grant = { ...GRANT, spec: { ...GRANT.spec, to: [{ group: '', kind: 'Service', name: 'chat' }] } };
  expect(allowed(named)).toBe(true);
  expect(allowed(named, {}, { name: 'echo' })).toBe(false);
});

test('every from of a grant goes with every to, and several grants add up', () => {
  const second = { ...ROUTE, namespace: 'second' };
  const wide: Grant = {
    namespace: 'backends',
    spec: {
      from: [ROUTE, second],
      to: [
        { group: '', kind: 'Secret' },
        { group: '', kind: 'Service', name: 'chat' },
      ],
    },
  };
  const echo: Grant = {
    namespace: 'backends',
    spec: { from: [second], to: [{ group: '', kind: 'Service', name: 'echo' }] },
  };
  const grants = indexGrants([wide, echo]);
  expect(grants.allow(second, SERVICE)).toBe(true);
  expect(grants.allow(second, { ...SERVICE, name: 'echo' })).toBe(true);
  expect(grants.allow(ROUTE, { ...SERVICE, name: 'echo' })).toBe(false);
  expect(grants.allow(ROUTE, { ...SERVICE, kind: 'Secret', name: 'any' })).toBe(true);
});

test('what is missing is said with who and what', () => {
  expect(notPermitted(ROUTE, SERVICE).message).toBe(
    'no ReferenceGrant in namespace backends permits a reference from HTTPRoute of namespace team to Service backends/chat',
  );
});
