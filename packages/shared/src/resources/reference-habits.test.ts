import { expect, test } from 'vitest';
import { marked, parse } from '../testing/manifests.js';

const LOAD_BALANCING = `
version: alb.networking.azure.io/v1
kind: BackendLoadBalancingPolicy
metadata: { name: a, namespace: n }
spec: { targetRefs: [{ group: "", kind: Service, name: chat }], loadBalancing: { strategy: ring-hash } }
`;

test('version in place of apiVersion is taken for it, with a warning', () => {
  const { text, line, column } = marked(LOAD_BALANCING.replace('version', '§version'));
  const { resources, issues } = parse(text);
  const hint = 'write apiVersion: alb.networking.azure.io/v1';
  const message = 'is taken for apiVersion';
  expect(issues).toMatchObject([{ severity: 'warning', line, column, path: 'version', message, hint }]);
  expect(resources.loadBalancingPolicies).toMatchObject([{ namespace: 'n', apiVersion: 'alb.networking.azure.io/v1' }]);
});

test.each([
  LOAD_BALANCING.replace('alb.networking.azure.io', 'gateway.networking.k8s.io'),
  LOAD_BALANCING.replace('version: alb.networking.azure.io/v1', 'version: 1'),
])('elsewhere a missing apiVersion stays an error %#', (text) => {
  expect(parse(text).issues).toMatchObject([{ severity: 'error', path: 'apiVersion', message: 'is required' }]);
});

test('both of them are an error', () => {
  const { issues } = parse(`apiVersion: alb.networking.azure.io/v1${LOAD_BALANCING}`);
  expect(issues).toMatchObject([{ severity: 'error', path: 'version', message: 'unknown field' }]);
});

const ROUTE_POLICY = `
apiVersion: alb.networking.azure.io/v1
kind: RoutePolicy
metadata: { name: a }
spec: { targetRef: { kind: HTTPRoute, name: chat, namespace: n, group: "" }, default: {} }
`;

test('a policy without a namespace is taken into that of its target, with a warning', () => {
  const { text, line, column } = marked(ROUTE_POLICY.replace('metadata', '§metadata'));
  const { resources, issues } = parse(text);
  const message = 'has no namespace: taken into n, the namespace of its target';
  expect(issues).toMatchObject([{ severity: 'warning', line, column, message, resource: 'RoutePolicy n/a' }]);
  expect(resources.routePolicies).toMatchObject([{ namespace: 'n' }]);
});

test('a namespace that is written counts; without any target namespace it is the default one', () => {
  const written = parse(ROUTE_POLICY.replace('name: a }', 'name: a, namespace: m }'));
  expect(written.issues).toEqual([]);
  expect(written.resources.routePolicies).toMatchObject([{ namespace: 'm' }]);
  const none = parse(ROUTE_POLICY.replace(', namespace: n', ''));
  expect(none.issues).toEqual([]);
  expect(none.resources.routePolicies).toMatchObject([{ namespace: 'default' }]);
});
