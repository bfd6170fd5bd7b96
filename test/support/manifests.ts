/**
 * Configuration for a test, as Kubernetes manifests, from a small description: what a test does not say is the
 * simplest thing that works. Documents are JSON, which is YAML.
 */
import type { Address } from './raw-client.js';

export interface ListenerDescription {
  readonly name?: string;
  readonly port?: number;
  readonly hostname?: string;
  /** Names of Secrets with certificates: an HTTPS listener. */
  readonly secrets?: readonly string[];
}
export interface BackendRefDescription {
  readonly service: string;
  readonly weight?: number;
  /** As the manifest has them. */
  readonly filters?: readonly Manifest[];
}
export interface RuleDescription {
  readonly prefix?: string;
  readonly exact?: string;
  /** Instead of `prefix` and `exact`: matches as the manifest has them. */
  readonly matches?: readonly Manifest[];
  readonly backends: readonly (string | BackendRefDescription)[];
  /** As the manifest has them, like `timeouts`. */
  readonly filters?: readonly Manifest[];
  readonly timeouts?: Manifest;
}
export interface RouteDescription {
  readonly name?: string;
  readonly section?: string;
  readonly hostnames?: readonly string[];
  readonly rules: readonly RuleDescription[];
  readonly creationTimestamp?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** `spec.default.sessionAffinity` of a RoutePolicy for the route. */
  readonly affinity?: Manifest;
}
export interface Description {
  readonly listeners?: readonly ListenerDescription[];
  readonly routes?: readonly RouteDescription[];
  /** Service name to its endpoints. Without routes, everything goes to the first one. */
  readonly services: Readonly<Record<string, readonly Address[]>>;
  readonly gatewayAnnotations?: Readonly<Record<string, string>>;
  /** Annotations of services, by name. */
  readonly annotations?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** `spec.default` of the HealthCheckPolicy of services, by name. */
  readonly probes?: Readonly<Record<string, Manifest>>;
  /** `spec.loadBalancing` of the BackendLoadBalancingPolicy of services, by name. */
  readonly balancing?: Readonly<Record<string, Manifest>>;
  /** Whole documents besides: Secrets, policies. */
  readonly more?: readonly Manifest[];
}

export type Manifest = Readonly<Record<string, unknown>>;
const NAMESPACE = 'test';
const SERVICE_PORT = 80;
const GATEWAY_API = 'gateway.networking.k8s.io/v1';

function listener({ name = 'http', port = 80, hostname, secrets }: ListenerDescription): Manifest {
  const certificateRefs = secrets?.map((secret) => ({ kind: 'Secret', name: secret }));
  return {
    name,
    port,
    protocol: secrets === undefined ? 'HTTP' : 'HTTPS',
    ...(hostname === undefined ? {} : { hostname }),
    ...(secrets === undefined ? {} : { tls: { mode: 'Terminate', certificateRefs } }),
  };
}

function gateway(listeners: readonly ListenerDescription[], annotations = {}): Manifest {
  return {
    apiVersion: GATEWAY_API,
    kind: 'Gateway',
    metadata: { name: 'edge', namespace: NAMESPACE, annotations },
    spec: {
      gatewayClassName: 'sluice',
      listeners: listeners.map(listener),
    },
  };
}

/** Rules that change requests and answers under /filtered, with this in their rewrite too, and redirect /moved. */
export function filteredRules(service: string, rewrite: Manifest = {}): readonly RuleDescription[] {
  const path = { type: 'ReplacePrefixMatch', replacePrefixMatch: '/echo' };
  return [
    {
      prefix: '/filtered',
      backends: [service],
      filters: [
        { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'X-In', value: 'in' }] } },
        { type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [{ name: 'X-Out', value: 'out' }] } },
        { type: 'URLRewrite', urlRewrite: { ...rewrite, path } },
      ],
    },
    {
      prefix: '/moved',
      backends: [],
      filters: [{ type: 'RequestRedirect', requestRedirect: { hostname: 'there.test', statusCode: 302 } }],
    },
  ];
}

function rule({ prefix, exact, matches, backends, filters, timeouts }: RuleDescription): Manifest {
  const path = exact === undefined ? { type: 'PathPrefix', value: prefix ?? '/' } : { type: 'Exact', value: exact };
  return {
    matches: matches ?? [{ path }],
    backendRefs: backends.map((backend) => {
      const { service, ...more } = typeof backend === 'string' ? { service: backend } : backend;
      return { name: service, port: SERVICE_PORT, ...more };
    }),
    ...(filters === undefined ? {} : { filters }),
    ...(timeouts === undefined ? {} : { timeouts }),
  };
}

function route(description: RouteDescription, index: number): Manifest {
  const { name = `route-${index}`, section, hostnames, rules, creationTimestamp, annotations } = description;
  return {
    apiVersion: GATEWAY_API,
    kind: 'HTTPRoute',
    metadata: {
      name,
      namespace: NAMESPACE,
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec: {
      parentRefs: [{ name: 'edge', ...(section === undefined ? {} : { sectionName: section }) }],
      ...(hostnames === undefined ? {} : { hostnames }),
      rules: rules.map(rule),
    },
  };
}

function healthCheckPolicy([name, probe]: readonly [string, Manifest]): Manifest {
  return {
    apiVersion: 'alb.networking.azure.io/v1',
    kind: 'HealthCheckPolicy',
    metadata: { name, namespace: NAMESPACE },
    spec: { targetRef: { group: '', kind: 'Service', name }, default: probe },
  };
}

function loadBalancingPolicy([name, loadBalancing]: readonly [string, Manifest]): Manifest {
  return {
    apiVersion: 'alb.networking.azure.io/v1',
    kind: 'BackendLoadBalancingPolicy',
    metadata: { name, namespace: NAMESPACE },
    spec: { targetRefs: [{ group: '', kind: 'Service', name, ports: [{ port: SERVICE_PORT }] }], loadBalancing },
  };
}

function routePolicy({ name, affinity }: RouteDescription, index: number): Manifest[] {
  if (affinity === undefined) return [];
  const target = { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: name ?? `route-${index}` };
  return [
    {
      apiVersion: 'alb.networking.azure.io/v1',
      kind: 'RoutePolicy',
      metadata: { name: target.name, namespace: NAMESPACE },
      spec: { targetRef: target, default: { sessionAffinity: affinity } },
    },
  ];
}

/** A Service and one EndpointSlice an endpoint, because the endpoints' ports differ. */
function service(name: string, endpoints: readonly Address[], annotations = {}): Manifest[] {
  const slices = endpoints.map(
    ({ address, port }, index): Manifest => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `${name}-${index}`,
        namespace: NAMESPACE,
        labels: { 'kubernetes.io/service-name': name },
      },
      addressType: address.includes(':') ? 'IPv6' : 'IPv4',
      ports: [{ port, protocol: 'TCP' }],
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
    }),
  );
  const empty: Manifest = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-none`, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [],
    endpoints: [],
  };
  const declared: Manifest = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE, annotations },
    spec: { ports: [{ port: SERVICE_PORT, protocol: 'TCP' }] },
  };
  return [declared, ...(slices.length === 0 ? [empty] : slices)];
}

/** Ports that the description's listeners declare. */
export function listenerPorts({ listeners = [{}] }: Description): number[] {
  return [...new Set(listeners.map(({ port = 80 }) => port))];
}

/** The description as one file of YAML documents. */
export function manifests(description: Description): string {
  const { listeners = [{}], services, annotations = {}, probes = {}, balancing = {} } = description;
  const first = Object.keys(services)[0];
  const routes: readonly RouteDescription[] = description.routes ?? [
    { rules: [{ backends: first === undefined ? [] : [first] }] },
  ];
  const documents = [
    gateway(listeners, description.gatewayAnnotations),
    ...routes.map(route),
    ...Object.entries(services).flatMap(([name, endpoints]) => service(name, endpoints, annotations[name])),
    ...Object.entries(probes).map(healthCheckPolicy),
    ...Object.entries(balancing).map(loadBalancingPolicy),
    ...routes.flatMap(routePolicy),
    ...(description.more ?? []),
  ];
  return documents.map((document) => JSON.stringify(document, null, 2)).join('\n---\n');
}
