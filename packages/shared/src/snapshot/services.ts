/**
 * From a backendRef to the service behind it: Service, port, and where its endpoints come from (EndpointSlices).
 *
 * A reference that does not resolve gives the reason instead; a Service without a ready endpoint resolves to no target.
 * Pure; the indexes are made once for a compilation.
 */
import type { ConfigIssue } from '../resources/issue.js';
import { type EndpointSlice, issueAt, resourceName, type Service } from '../resources/resource.js';
import { groupBy } from './group-by.js';
import { compareText } from './hostname.js';
import { DEFAULT_BALANCING, DEFAULT_LIVE_CONNECTIONS, DEFAULT_PROBE } from './service-policy.js';
import type { ServiceSnapshot, TargetSnapshot } from './snapshot.js';

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

export interface ServiceRef {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

export interface ServiceIndex {
  readonly services: ReadonlyMap<string, Service>;
  /** The slices of a Service, by `namespace/name` of the Service, in the order of their names. */
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>;
}

/** Services and slices by the name of the Service. */
export function indexServices(services: readonly Service[], slices: readonly EndpointSlice[]): ServiceIndex {
  const owned = slices.filter((slice) => slice.labels[SERVICE_NAME_LABEL] !== undefined);
  const owner = (slice: EndpointSlice) => `${slice.namespace}/${slice.labels[SERVICE_NAME_LABEL]}`;
  const sorted = [...owned].sort((a, b) => compareText(a.name, b.name));
  return {
    services: new Map(services.map((service) => [resourceName(service), service])),
    slices: groupBy(sorted, owner),
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

/** The service that a reference means, or why it means none. */
export function resolveService(index: ServiceIndex, ref: ServiceRef): ServiceSnapshot | string {
  const key = `${ref.namespace}/${ref.name}`;
  const service = index.services.get(key);
  if (service === undefined) return `there is no Service ${key}`;
  const port = service.spec.ports.find((candidate) => candidate.port === ref.port && candidate.protocol === 'TCP');
  if (port === undefined) return `Service ${key} has no TCP port ${ref.port}`;
  return {
    name: `${key}/${ref.port}`,
    targets: targetsOf(index.slices.get(key) ?? [], port.name ?? ''),
    probe: DEFAULT_PROBE,
    balancing: DEFAULT_BALANCING,
    liveConnections: DEFAULT_LIVE_CONNECTIONS,
  };
}

/** Ready endpoints under the port of that name, each once. Every address of an endpoint is one of its own. */
function targetsOf(slices: readonly EndpointSlice[], portName: string): TargetSnapshot[] {
  const targets = new Map<string, TargetSnapshot>();
  for (const { spec } of slices) {
    const ports = spec.ports.filter(({ name, protocol }) => name === portName && protocol === 'TCP');
    const addresses = spec.endpoints.filter(({ conditions }) => conditions.ready).flatMap((each) => each.addresses);
    for (const { port } of ports) {
      for (const address of addresses)
        targets.set(`${address} ${port}`, { type: 'address', host: address, port, draining: false });
    }
  }
  return [...targets.values()];
}
