/**
 * What a health daemon needs of a configuration: its services, how each is probed, and the TLS material of the probes.
 *
 * Crosses to an embedded daemon as one JSON text; equal configuration gives equal text. Holds no key but those of client
 * certificates that backends are shown. Pure.
 */
import { type BackendMaterial, backendMaterialOf } from '../snapshot/backend-material.js';
import type { ServiceSnapshot } from '../snapshot/snapshot.js';
import type { TlsMaterial } from '../snapshot/tls.js';
import type { SnapshotView } from '../snapshot/view.js';

/** A service as far as it is discovered and probed. */
export type ProbedService = Pick<ServiceSnapshot, 'name' | 'targets' | 'probe' | 'tls'>;

export interface ProbedServices extends BackendMaterial {
  readonly services: readonly ProbedService[];
}

/** The services of a snapshot, with what of `material` their probes use. */
export function probedServicesOf(all: Iterable<ServiceSnapshot>, material: TlsMaterial): ProbedServices {
  const services = [...all].map(({ name, targets, probe, tls }) => ({ name, targets, probe, tls }));
  return { services, ...backendMaterialOf(services, material) };
}

/** All services of a view. */
export function servicesOf(view: Pick<SnapshotView, 'serviceCount' | 'service'>): ServiceSnapshot[] {
  return Array.from({ length: view.serviceCount }, (_, index) => view.service(index) ?? []).flat();
}

export function encodeProbedServices(services: ProbedServices): string {
  return JSON.stringify(services);
}

/** What `encodeProbedServices` made. */
export function decodeProbedServices(text: string): ProbedServices {
  return JSON.parse(text) as ProbedServices;
}
