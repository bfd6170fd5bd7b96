/**
 * Where the endpoints of a port of a Service come from: its EndpointSlices, else its externalName, else DNS.
 *
 * A Service that has any slice is its slices' alone: no ready endpoint in them means none, not a look-up. Pure.
 */

import { annotationKey } from '../resources/annotations.js';
import type { ConfigIssue } from '../resources/issue.js';
import { type EndpointSlice, issueAt, resourceName, type Service } from '../resources/resource.js';
import type { ServicePort } from '../resources/service.js';
import { groupBy } from './group-by.js';
import { compareText } from './hostname.js';
import type { ServiceIndex } from './services.js';
import type { TargetSnapshot } from './snapshot.js';
import { resolveTargetPort } from './target-port.js';

/** The targets of a port. `number` is the reference's: an ExternalName Service may declare no port. */
export function resolveTargets(
  index: ServiceIndex,
  service: Service,
  port: ServicePort | undefined,
  number: number,
  issues: ConfigIssue[],
): TargetSnapshot[] {
  const slices = index.slices.get(resourceName(service));
  if (slices !== undefined) return sliceTargets(slices, port?.name ?? '');
  const { externalName } = service.spec;
  if (externalName !== undefined) return [nameTarget(externalName, number)];
  const dialled = port === undefined ? number : resolveTargetPort(service, port, index.deployments, issues);
  return [nameTarget(service.annotations.dnsName ?? service.name, dialled)];
}

function nameTarget(host: string, port: number): TargetSnapshot {
  return { type: 'name', host, port, draining: false };
}

/**
 * The endpoints under the port of that name, each once; every address of an endpoint is one of its own. Terminating ones
 * that still serve are draining; of two slices that disagree, the one that says ready is right.
 */
function sliceTargets(slices: readonly EndpointSlice[], portName: string): TargetSnapshot[] {
  const targets = new Map<string, TargetSnapshot>();
  for (const { spec } of slices) {
    const ports = spec.ports.filter(({ name, protocol }) => name === portName && protocol === 'TCP');
    const type = spec.addressType === 'FQDN' ? 'name' : 'address';
    for (const { addresses, conditions } of spec.endpoints) {
      const draining = conditions.terminating && conditions.serving;
      if (!draining && (!conditions.ready || conditions.terminating)) continue;
      for (const { port } of ports) {
        for (const host of addresses) {
          const key = `${host} ${port}`;
          targets.set(key, { type, host, port, draining: draining && (targets.get(key)?.draining ?? true) });
        }
      }
    }
  }
  return [...targets.values()];
}

/** The Services that DNS finds by their own name, among those that are used. */
function bareNamed(index: ServiceIndex, used: Iterable<Service>): Service[] {
  return [...new Set(used)].filter(({ namespace, name, spec, annotations }) => {
    const found = spec.externalName === undefined && annotations.dnsName === undefined;
    return found && !index.slices.has(`${namespace}/${name}`);
  });
}

/** Outside a cluster a bare name knows no namespace: two Services of one name would have the same endpoints. */
export function sharedNames(index: ServiceIndex, used: Iterable<Service>): ConfigIssue[] {
  return [...groupBy(bareNamed(index, used), ({ name }) => name).values()].flatMap((services) => {
    const [first, ...rest] = services.sort((a, b) => compareText(a.namespace, b.namespace));
    if (first === undefined) return [];
    return rest.map((service) => {
      const message = `is also the name of Service ${resourceName(first)}, and DNS does not tell them apart`;
      const hint = `annotate one with ${annotationKey('Service', 'dnsName')}, or give it an EndpointSlice`;
      return issueAt(service, 'error', ['metadata', 'name'], `${JSON.stringify(service.name)} ${message}`, hint);
    });
  });
}

/** The annotation on a Service whose endpoints do not come from DNS. */
export function unreadDnsNames(index: ServiceIndex): ConfigIssue[] {
  return [...index.services].flatMap(([key, service]) => {
    if (service.annotations.dnsName === undefined) return [];
    const source = index.slices.has(key) ? 'its EndpointSlices' : service.spec.externalName && 'its externalName';
    if (source === undefined) return [];
    const message = `is not read: the endpoints come from ${source}`;
    return [issueAt(service, 'warning', ['metadata', 'annotations', annotationKey('Service', 'dnsName')], message)];
  });
}

/** Slices whose ports have no name that a port of their Service has: their endpoints are nobody's. */
export function strangePorts(index: ServiceIndex): ConfigIssue[] {
  return [...index.slices].flatMap(([key, slices]) => {
    const names = index.services.get(key)?.spec.ports.map(({ name }) => name ?? '') ?? [];
    const strange = ({ spec }: EndpointSlice) =>
      spec.ports.length > 0 && !spec.ports.some(({ name }) => names.includes(name));
    if (names.length === 0) return [];
    return slices.filter(strange).map((slice) => {
      const message = `has no port that Service ${key} has by name: its endpoints are left out`;
      const hint = `the Service's ports are named ${names.map((name) => JSON.stringify(name)).join(', ')}`;
      return issueAt(slice, 'warning', ['ports'], message, hint);
    });
  });
}
