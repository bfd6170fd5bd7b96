/**
 * The table of the kinds that Sluice reads, by group and kind: two groups have a BackendTLSPolicy.
 *
 * A new kind is a line here, a schema and a collection in ResourceSet. Any thread.
 */
import type { z } from 'zod';
import { backendTlsPolicySchema } from './backend-tls-policy.js';
import { deploymentSchema } from './deployment.js';
import { endpointSliceSchema } from './endpoint-slice.js';
import { gatewayClassSchema, gatewaySchema } from './gateway.js';
import { healthCheckPolicySchema } from './health-check-policy.js';
import { httpRouteSchema } from './http-route.js';
import { loadBalancingPolicySchema } from './load-balancing-policy.js';
import { referenceGrantSchema } from './reference-grant.js';
import type { ResourceSet } from './resource.js';
import { routePolicySchema } from './route-policy.js';
import { configMapSchema, namespaceSchema, secretSchema } from './secret.js';
import { serviceSchema } from './service.js';
import { albBackendTlsPolicySchema, frontendTlsPolicySchema } from './tls-policies.js';

export interface ReadKind {
  readonly group: string;
  readonly kind: string;
  /** The first is the one to write. */
  readonly versions: readonly string[];
  readonly namespaced: boolean;
  /** Where its resources go. */
  readonly collection: keyof ResourceSet;
  readonly schema: z.ZodType;
}

export const ALB_GROUP = 'alb.networking.azure.io';
export const GATEWAY_GROUP = 'gateway.networking.k8s.io';

const GATEWAY_VERSIONS = ['v1', 'v1beta1'];

function kindOf(
  [group, versions]: readonly [string, readonly string[]],
  kind: string,
  collection: keyof ResourceSet,
  schema: z.ZodType,
  namespaced = true,
): ReadKind {
  return { group, kind, versions, namespaced, collection, schema };
}

const gatewayApi = [GATEWAY_GROUP, GATEWAY_VERSIONS] as const;
const alb = [ALB_GROUP, ['v1']] as const;
const core = ['', ['v1']] as const;

export const READ_KINDS: readonly ReadKind[] = [
  kindOf(gatewayApi, 'Gateway', 'gateways', gatewaySchema),
  kindOf(gatewayApi, 'GatewayClass', 'gatewayClasses', gatewayClassSchema, false),
  kindOf(gatewayApi, 'HTTPRoute', 'httpRoutes', httpRouteSchema),
  kindOf([GATEWAY_GROUP, ['v1beta1', 'v1', 'v1alpha2']], 'ReferenceGrant', 'referenceGrants', referenceGrantSchema),
  kindOf([GATEWAY_GROUP, ['v1', 'v1alpha3']], 'BackendTLSPolicy', 'backendTlsPolicies', backendTlsPolicySchema),
  kindOf(alb, 'HealthCheckPolicy', 'healthCheckPolicies', healthCheckPolicySchema),
  kindOf(alb, 'RoutePolicy', 'routePolicies', routePolicySchema),
  kindOf(alb, 'BackendLoadBalancingPolicy', 'loadBalancingPolicies', loadBalancingPolicySchema),
  kindOf(alb, 'BackendTLSPolicy', 'albBackendTlsPolicies', albBackendTlsPolicySchema),
  kindOf(alb, 'FrontendTLSPolicy', 'frontendTlsPolicies', frontendTlsPolicySchema),
  kindOf(core, 'Service', 'services', serviceSchema),
  kindOf(['discovery.k8s.io', ['v1']], 'EndpointSlice', 'endpointSlices', endpointSliceSchema),
  kindOf(core, 'Secret', 'secrets', secretSchema),
  kindOf(core, 'ConfigMap', 'configMaps', configMapSchema),
  kindOf(core, 'Namespace', 'namespaces', namespaceSchema, false),
  kindOf(['apps', ['v1']], 'Deployment', 'deployments', deploymentSchema),
];

const BY_NAME = new Map(READ_KINDS.map((kind) => [`${kind.group}/${kind.kind}`, kind]));

/** The kind of that name and group; undefined when it is not read. */
export function readKindOf(apiVersion: string, kind: string): ReadKind | undefined {
  return BY_NAME.get(`${groupOf(apiVersion)}/${kind}`);
}

/** The kinds of that name, whatever their group, and however the name is spelt. */
export function readKindsNamed(kind: string): readonly ReadKind[] {
  return READ_KINDS.filter((read) => read.kind.toLowerCase() === kind.toLowerCase());
}

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
