/**
 * The typed resources that the loader makes and the compiler reads.
 *
 * A resource is in a ResourceSet only when its schema accepted it whole; each remembers where it was written, so that
 * the compiler can name file, line and column too. Lives in the thread that compiles; never posted to another one.
 */
import type { DeploymentSpec } from './deployment.js';
import type { EndpointSliceSpec } from './endpoint-slice.js';
import type { GatewaySpec } from './gateway.js';
import type { HealthCheckPolicySpec } from './health-check-policy.js';
import type { HttpRouteSpec } from './http-route.js';
import type { ConfigIssue, IssueSeverity } from './issue.js';
import type { LoadBalancingPolicySpec } from './load-balancing-policy.js';
import { type ConfigPath, formatPath } from './path.js';
import type { RoutePolicySpec } from './route-policy.js';
import type { ServiceSpec } from './service.js';

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

export interface Resource<Spec> {
  readonly kind: string;
  /** `''` for kinds that are not in a namespace. */
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since the epoch; Infinity when it is not written down: such a resource is the youngest. */
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: Spec;
  readonly origin: Origin;
}

export type Gateway = Resource<GatewaySpec>;
export type HttpRoute = Resource<HttpRouteSpec>;
export type Service = Resource<ServiceSpec>;
export type EndpointSlice = Resource<EndpointSliceSpec>;
export type Deployment = Resource<DeploymentSpec>;
export type HealthCheckPolicy = Resource<HealthCheckPolicySpec>;
export type LoadBalancingPolicy = Resource<LoadBalancingPolicySpec>;
export type RoutePolicy = Resource<RoutePolicySpec>;

export interface ResourceSet {
  readonly gateways: readonly Gateway[];
  readonly httpRoutes: readonly HttpRoute[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly deployments: readonly Deployment[];
  readonly healthCheckPolicies: readonly HealthCheckPolicy[];
  readonly loadBalancingPolicies: readonly LoadBalancingPolicy[];
  readonly routePolicies: readonly RoutePolicy[];
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
