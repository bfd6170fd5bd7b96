/**
 * The table of the kinds: which Sluice reads, which it knows and passes over, which it must refuse.
 *
 * A new kind is a line here, a schema and a collection in ResourceSet. Any thread.
 */
import type { z } from 'zod';
import { deploymentSchema } from './deployment.js';
import { endpointSliceSchema } from './endpoint-slice.js';
import { gatewayClassSchema, gatewaySchema } from './gateway.js';
import { healthCheckPolicySchema } from './health-check-policy.js';
import { httpRouteSchema } from './http-route.js';
import { loadBalancingPolicySchema } from './load-balancing-policy.js';
import { routePolicySchema } from './route-policy.js';
import { serviceSchema } from './service.js';

export interface ReadKind {
  readonly group: string;
  readonly versions: readonly string[];
  readonly namespaced: boolean;
  readonly schema: z.ZodType;
}

const GATEWAY_VERSIONS = ['v1', 'v1beta1'];
const ALB_GROUP = 'alb.networking.azure.io';

/** Kinds that are read, by kind name. */
export const READ_KINDS = {
  Gateway: { group: 'gateway.networking.k8s.io', versions: GATEWAY_VERSIONS, namespaced: true, schema: gatewaySchema },
  GatewayClass: {
    group: 'gateway.networking.k8s.io',
    versions: GATEWAY_VERSIONS,
    namespaced: false,
    schema: gatewayClassSchema,
  },
  HTTPRoute: {
    group: 'gateway.networking.k8s.io',
    versions: GATEWAY_VERSIONS,
    namespaced: true,
    schema: httpRouteSchema,
  },
  Service: { group: '', versions: ['v1'], namespaced: true, schema: serviceSchema },
  EndpointSlice: { group: 'discovery.k8s.io', versions: ['v1'], namespaced: true, schema: endpointSliceSchema },
  Deployment: { group: 'apps', versions: ['v1'], namespaced: true, schema: deploymentSchema },
  HealthCheckPolicy: { group: ALB_GROUP, versions: ['v1'], namespaced: true, schema: healthCheckPolicySchema },
  BackendLoadBalancingPolicy: {
    group: ALB_GROUP,
    versions: ['v1'],
    namespaced: true,
    schema: loadBalancingPolicySchema,
  },
  RoutePolicy: { group: ALB_GROUP, versions: ['v1'], namespaced: true, schema: routePolicySchema },
} as const satisfies Record<string, ReadKind>;

export type ReadKindName = keyof typeof READ_KINDS;

/** Kinds that make a configuration safer: to pass one over would open what its author closed. By `group/kind`. */
export const REFUSED_KINDS: ReadonlyMap<string, string> = new Map([
  ['gateway.networking.k8s.io/BackendTLSPolicy', 'without it connections to the backend would not be encrypted'],
  ['alb.networking.azure.io/BackendTLSPolicy', 'without it connections to the backend would not be encrypted'],
  ['alb.networking.azure.io/FrontendTLSPolicy', 'without it clients would not have to show a certificate'],
]);

/** Group of an apiVersion: `''` for `v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.lastIndexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** `apiVersion` as it is written for a kind. */
export function apiVersionOf(kind: ReadKind): string {
  const version = kind.versions[0] ?? '';
  return kind.group === '' ? version : `${kind.group}/${version}`;
}

/** Whether the kind is one that is read, whatever its apiVersion. */
export function isReadKind(kind: string): kind is ReadKindName {
  return Object.hasOwn(READ_KINDS, kind);
}
