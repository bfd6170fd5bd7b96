/**
 * What the references of a rule mean: services for its backendRefs, and whether mirrors are there at all.
 *
 * A backendRef is invalid when its kind is not served, when no ReferenceGrant lets it leave the namespace, when what it
 * names is not there, or when a policy that says how to reach it cannot be followed, asked in this order, so that a namespace that grants nothing tells nothing (HTTPBackendRef). It keeps
 * its weight then and answers 500 for its share. Pure but for the table of services and what it says.
 */
import type { BackendRef } from '../resources/http-route.js';
import type { ConfigPath } from '../resources/path.js';
import type { HttpRoute } from '../resources/resource.js';
import { HTTP_ROUTE } from './allowed-routes.js';
import type { CompileContext } from './context.js';
import { compileFilters, isUnservedAtBackend } from './filters.js';
import { notPermitted } from './grants.js';
import type { RefFault, RouteReport } from './route-report.js';
import { SERVICE_NAME_LABEL, type ServiceRef, type ServiceTable } from './services.js';
import type { BackendSnapshot } from './snapshot.js';

const ANSWERS_500 = 'its share of the requests is answered with 500';
const NO_ENDPOINT_HINT = `its EndpointSlices have the label ${SERVICE_NAME_LABEL} and a port of the same name`;

/** A reference to a backend: of a rule, or of one of its mirrors. */
export type ServiceReference = Omit<BackendRef, 'weight' | 'filters'>;

/** The service that a reference means, or why it means none. */
export function resolveReference(
  ref: ServiceReference,
  namespace: string,
  services: ServiceTable,
  { grants }: CompileContext,
): ServiceRef | RefFault {
  const { group, kind, name, port } = ref;
  if (group !== '' || kind !== 'Service') {
    const message = `a backend of kind ${group === '' ? kind : `${kind} of group ${group}`} is not served`;
    return { reason: 'InvalidKind', message, hint: 'use a Service', field: 'kind' };
  }
  if (port === undefined) {
    return { reason: 'InvalidKind', message: 'a reference to a Service needs a port', hint: 'name one', field: '' };
  }
  const target = { namespace: ref.namespace ?? namespace, name, port };
  const from = { ...HTTP_ROUTE, namespace };
  const to = { group, kind, namespace: target.namespace, name };
  if (!grants.allow(from, to)) return { reason: 'RefNotPermitted', ...notPermitted(from, to), field: 'namespace' };
  const fault = services.fault(target);
  return fault === undefined ? target : { ...fault, hint: '', field: '' };
}

/** The backends of a rule. Services are added only when the route is served. */
export function compileBackends(
  route: HttpRoute,
  rule: number,
  services: ServiceTable,
  report: RouteReport,
  context: CompileContext,
  serving: boolean,
): BackendSnapshot[] {
  const refs = route.spec.rules[rule]?.backendRefs ?? [];
  return refs.map((ref, position) => {
    const at = ['spec', 'rules', rule, 'backendRefs', position];
    const usable = checkFilters(ref, rule, at, report);
    const target = resolveReference(ref, route.namespace, services, context);
    const filters = compileFilters(ref.filters.filter((filter) => !isUnservedAtBackend(filter)));
    if ('reason' in target) report.unresolved(at, target, ANSWERS_500);
    if ('reason' in target || !usable || !serving) return { service: -1, weight: ref.weight, filters };
    const service = services.add(target);
    if (services.list[service]?.targets.every(({ draining }) => draining)) {
      const message = `Service ${target.namespace}/${target.name} has no ready endpoint on port ${target.port}`;
      report.warn(at, `${message}: its share of the requests is answered with 503`, NO_ENDPOINT_HINT);
    }
    return { service, weight: ref.weight, filters };
  });
}

/** Whether all filters of a backendRef can be served. */
function checkFilters({ filters }: BackendRef, rule: number, at: ConfigPath, report: RouteReport): boolean {
  let usable = true;
  for (const [position, filter] of filters.entries()) {
    const path = [...at, 'filters', position];
    if (filter.type === 'RequestMirror') report.notMirrored(path);
    if (!isUnservedAtBackend(filter)) continue;
    usable = false;
    if (filter.extensionRef === undefined) {
      report.unsupported(rule, path, `a filter of type ${filter.type} is not served at a backendRef`, ANSWERS_500);
    } else report.unresolved(path, unknownExtension(filter.extensionRef), ANSWERS_500);
  }
  return usable;
}

export function unknownExtension({ group, kind }: { readonly group: string; readonly kind: string }): RefFault {
  const message = `an ExtensionRef of kind ${group === '' ? kind : `${kind} of group ${group}`} is not known`;
  return { reason: 'InvalidKind', message, hint: 'remove the filter', field: '' };
}
