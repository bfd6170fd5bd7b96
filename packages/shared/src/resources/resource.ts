/**
 * The typed resources that the loader makes and the compiler reads.
 *
 * A resource is in a ResourceSet only when its schema accepted it whole; each remembers where it was written, so that
 * the compiler can name file, line and column too. Lives in the thread that compiles; never posted to another one.
 */
import type { AnnotationsOf } from './annotations.js';
import type { BackendTlsPolicySpec } from './backend-tls-policy.js';
import type { DeploymentSpec } from './deployment.js';
import type { EndpointSliceSpec } from './endpoint-slice.js';
import type { GatewayClassSpec, GatewaySpec } from './gateway.js';
import type { HealthCheckPolicySpec } from './health-check-policy.js';
import type { HttpRouteSpec } from './http-route.js';
import type { ConfigIssue, IssueSeverity } from './issue.js';
import type { LoadBalancingPolicySpec } from './load-balancing-policy.js';
import { type ConfigPath, formatPath } from './path.js';
import type { ReferenceGrantSpec } from './reference-grant.js';
import type { RoutePolicySpec } from './route-policy.js';
import type { ConfigMapSpec, NamespaceSpec, SecretSpec } from './secret.js';
import type { ServiceSpec } from './service.js';
import type { AlbBackendTlsPolicySpec, FrontendTlsPolicySpec } from './tls-policies.js';

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where a resource was written. */
export interface Origin {
  readonly file: string;
  /** Position of a field's value, or of its key; of the nearest enclosing field when it is not written down. */
  locate(path: ConfigPath, target?: 'key' | 'value'): Position;
}

/** `Annotations`: those of ours that the kind has. */
export interface Resource<Spec, Annotations = object> {
  /** As it is written. */
  readonly apiVersion: string;
  /** `''` for the core group. */
  readonly group: string;
  readonly kind: string;
  /** `''` for kinds that are not in a namespace. */
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since the epoch; Infinity when it is not written down: such a resource is the youngest. */
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Values of the annotations `sluice.dev/…`. */
  readonly annotations: Annotations;
  readonly spec: Spec;
  readonly origin: Origin;
}

export type Gateway = Resource<GatewaySpec, AnnotationsOf<'Gateway'>>;
export type GatewayClass = Resource<GatewayClassSpec>;
export type HttpRoute = Resource<HttpRouteSpec, AnnotationsOf<'HTTPRoute'>>;
export type ReferenceGrant = Resource<ReferenceGrantSpec>;
/** Of gateway.networking.k8s.io. */
export type BackendTlsPolicy = Resource<BackendTlsPolicySpec>;
/** Of alb.networking.azure.io. */
export type AlbBackendTlsPolicy = Resource<AlbBackendTlsPolicySpec>;
export type FrontendTlsPolicy = Resource<FrontendTlsPolicySpec>;
export type HealthCheckPolicy = Resource<HealthCheckPolicySpec, AnnotationsOf<'HealthCheckPolicy'>>;
export type LoadBalancingPolicy = Resource<LoadBalancingPolicySpec>;
export type RoutePolicy = Resource<RoutePolicySpec>;
export type Service = Resource<ServiceSpec, AnnotationsOf<'Service'>>;
export type EndpointSlice = Resource<EndpointSliceSpec>;
export type Deployment = Resource<DeploymentSpec>;
export type Secret = Resource<SecretSpec, AnnotationsOf<'Secret'>>;
export type ConfigMap = Resource<ConfigMapSpec>;
/** Its labels are what is read of it. */
export type Namespace = Resource<NamespaceSpec>;

/** All resources of a configuration, by kind. */
export interface ResourceSet {
  readonly gateways: readonly Gateway[];
  readonly gatewayClasses: readonly GatewayClass[];
  readonly httpRoutes: readonly HttpRoute[];
  readonly referenceGrants: readonly ReferenceGrant[];
  readonly backendTlsPolicies: readonly BackendTlsPolicy[];
  readonly albBackendTlsPolicies: readonly AlbBackendTlsPolicy[];
  readonly frontendTlsPolicies: readonly FrontendTlsPolicy[];
  readonly healthCheckPolicies: readonly HealthCheckPolicy[];
  readonly loadBalancingPolicies: readonly LoadBalancingPolicy[];
  readonly routePolicies: readonly RoutePolicy[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly deployments: readonly Deployment[];
  readonly secrets: readonly Secret[];
  readonly configMaps: readonly ConfigMap[];
  readonly namespaces: readonly Namespace[];
}

export interface LoadResult {
  readonly resources: ResourceSet;
  /** In the order of their places. With an error among them the resources are incomplete and not to be served. */
  readonly issues: readonly ConfigIssue[];
}

/** `namespace/name`, or the name alone for kinds that are not in a namespace. */
export function resourceName(resource: Pick<Resource<unknown>, 'namespace' | 'name'>): string {
  return resource.namespace === '' ? resource.name : `${resource.namespace}/${resource.name}`;
}

/** An issue about a field of a resource. */
export function issueAt(
  resource: Pick<Resource<unknown>, 'kind' | 'namespace' | 'name' | 'origin'>,
  severity: IssueSeverity,
  path: ConfigPath,
  message: string,
  hint = '',
  target: 'key' | 'value' = 'value',
): ConfigIssue {
  return {
    severity,
    file: resource.origin.file,
    ...resource.origin.locate(path, target),
    path: formatPath(path),
    resource: `${resource.kind} ${resourceName(resource)}`.trim(),
    message,
    hint,
  };
}
