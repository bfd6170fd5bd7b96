/**
 * Services, slices and Deployments by name, and the table of the services that routes use.
 *
 * Each service is resolved once, whatever the number of references; a reference that does not resolve has a fault. Pure but for the table and the issues that it fills; the indexes are made once for a compilation.
 */
import type { ConfigIssue } from '../resources/issue.js';
import { type EndpointSlice, issueAt, type ResourceSet, resourceName, type Service } from '../resources/resource.js';
import type { ServicePort } from '../resources/service.js';
import { absent } from './absence.js';
import type { BackendTlsIndex } from './backend-tls.js';
import type { BalancingIndex } from './balancing.js';
import { groupBy } from './group-by.js';
import { compareText } from './hostname.js';
import type { ProbeIndex } from './probe.js';
import { DEFAULT_LIVE_CONNECTIONS, type LiveConnectionsSnapshot } from './service-policy.js';
import type { ServiceSnapshot } from './snapshot.js';
import { type DeploymentIndex, indexDeployments } from './target-port.js';
import { resolveTargets } from './targets.js';

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

export interface ServiceRef {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

export interface ServiceIndex {
  /** By `namespace/name`. */
  readonly services: ReadonlyMap<string, Service>;
  /** The slices of a Service, by `namespace/name` of the Service, in the order of their names. */
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>;
  readonly deployments: DeploymentIndex;
}

/** What policies say of services. */
export interface ServicePolicies {
  readonly probes: ProbeIndex;
  readonly balancing: BalancingIndex;
  readonly tls: BackendTlsIndex;
}

/** Services and slices by the name of the Service. */
export function indexServices(
  resources: Pick<ResourceSet, 'services' | 'endpointSlices' | 'deployments'>,
): ServiceIndex {
  const owned = resources.endpointSlices.filter((slice) => slice.labels[SERVICE_NAME_LABEL] !== undefined);
  const owner = (slice: EndpointSlice) => `${slice.namespace}/${slice.labels[SERVICE_NAME_LABEL]}`;
  const sorted = owned.sort((a, b) => compareText(a.name, b.name));
  return {
    services: new Map(resources.services.map((service) => [resourceName(service), service])),
    slices: groupBy(sorted, owner),
    deployments: indexDeployments(resources.deployments),
  };
}

/** A slice without the label stands for nothing. */
export function unownedSlices(slices: readonly EndpointSlice[]): ConfigIssue[] {
  return slices
    .filter((slice) => slice.labels[SERVICE_NAME_LABEL] === undefined)
    .map((slice) => {
      const hint = `name the Service in the label ${SERVICE_NAME_LABEL}`;
      return issueAt(slice, 'warning', ['metadata', 'labels'], 'belongs to no Service', hint);
    });
}

export interface ServiceTable {
  readonly list: readonly ServiceSnapshot[];
  /** The Services that are used. */
  readonly used: ReadonlySet<Service>;
  /** Why a reference means no service that may be reached; undefined when it means one. */
  fault(ref: ServiceRef): ServiceFault | undefined;
  /** Index of the service that a reference without a fault means. */
  add(ref: ServiceRef): number;
}

export interface ServiceFault {
  /** Of RouteConditionResolvedRefs; the last is our own: a policy says how to reach the Service, and cannot be followed. */
  readonly reason: 'BackendNotFound' | 'UnsupportedProtocol' | 'InvalidBackendTLSPolicy';
  readonly message: string;
}

/** An empty table. What is wrong with a Service itself goes to `issues`. */
export function createServiceTable(
  index: ServiceIndex,
  policies: ServicePolicies,
  issues: ConfigIssue[],
): ServiceTable {
  const list: ServiceSnapshot[] = [];
  const used = new Set<Service>();
  const known = new Map<string, number>();
  const add = (ref: ServiceRef): number => {
    const key = keyOf(ref);
    const service = index.services.get(key);
    const tls = service === undefined ? null : policies.tls.of(service, ref.port);
    if (service === undefined || (tls !== null && 'broken' in tls)) throw new Error(`Service ${key} has a fault`);
    used.add(service);
    const resolved = {
      name: `${key}/${ref.port}`,
      targets: resolveTargets(index, service, portOf(service, ref), ref.port, issues),
      probe: policies.probes.of(service, ref.port, tls !== null),
      balancing: policies.balancing.of(service, ref.port),
      liveConnections: liveConnections(service),
      tls,
    };
    return list.push(resolved) - 1;
  };
  return {
    list,
    used,
    fault: (ref) => faultOf(ref, index.services.get(keyOf(ref)), policies),
    add(ref) {
      const key = `${keyOf(ref)}/${ref.port}`;
      const place = known.get(key) ?? add(ref);
      known.set(key, place);
      return place;
    },
  };
}

/** Values of appProtocol (KEP-3726) that a backend of WebSockets cannot have. */
const UNSPOKEN: ReadonlyMap<string, string> = new Map([['kubernetes.io/h2c', 'backends are spoken to in HTTP/1.1']]);

/** And those that it cannot have without a policy that says how its TLS is verified. */
const UNSPOKEN_PLAIN: ReadonlyMap<string, string> = new Map([
  ['kubernetes.io/wss', 'no BackendTLSPolicy says how to verify it'],
]);

function keyOf({ namespace, name }: ServiceRef): string {
  return `${namespace}/${name}`;
}

function faultOf(ref: ServiceRef, service: Service | undefined, { tls }: ServicePolicies): ServiceFault | undefined {
  const reason = 'BackendNotFound';
  if (service === undefined) return { reason, message: absent('Service', keyOf(ref)) };
  const { ports, type } = service.spec;
  const portless = type === 'ExternalName' && ports.length === 0;
  if (portOf(service, ref) === undefined && !portless) {
    return { reason, message: `Service ${keyOf(ref)} has no TCP port ${ref.port}` };
  }
  const wanted = tls.of(service, ref.port);
  if (wanted !== null && 'broken' in wanted) return { reason: 'InvalidBackendTLSPolicy', message: wanted.broken };
  const protocol = portOf(service, ref)?.appProtocol ?? '';
  const why = UNSPOKEN.get(protocol) ?? (wanted === null ? UNSPOKEN_PLAIN.get(protocol) : undefined);
  if (why === undefined) return undefined;
  const message = `port ${ref.port} of Service ${keyOf(ref)} has appProtocol: ${protocol}, and ${why}`;
  return { reason: 'UnsupportedProtocol', message };
}

function portOf({ spec }: Service, { port }: ServiceRef): ServicePort | undefined {
  return spec.ports.find((candidate) => candidate.port === port && candidate.protocol === 'TCP');
}

function liveConnections({ annotations }: Service): LiveConnectionsSnapshot {
  return {
    ...DEFAULT_LIVE_CONNECTIONS,
    ...annotations.live,
    drainDeadlineMs: annotations.drainDeadlineMs ?? DEFAULT_LIVE_CONNECTIONS.drainDeadlineMs,
    closeWindowMs: annotations.closeWindowMs ?? DEFAULT_LIVE_CONNECTIONS.closeWindowMs,
  };
}
