/**
 * Which routes belong to which listeners: parentRefs against Gateways, listeners and what these allow.
 *
 * A parentRef that attaches to nothing is a warning with its reason: the rest of the configuration is served. Pure.
 */
import type { HttpRouteSpec, ParentRef } from '../resources/http-route.js';
import type { ConfigIssue } from '../resources/issue.js';
import type { ConfigPath } from '../resources/path.js';
import { type Gateway, type HttpRoute, issueAt, resourceName } from '../resources/resource.js';
import { compareHostnames, intersectHostnames } from './hostname.js';
import type { Listener } from './listeners.js';

/** A hostname under which a listener serves a route. */
export interface AttachedHost {
  /** What listener and route have in common. */
  readonly hostname: string;
  /** The most specific hostname of the route that gave it: it decides precedence. */
  readonly declared: string;
}

export interface Attachment {
  readonly listener: Listener;
  readonly route: HttpRoute;
  readonly hosts: readonly AttachedHost[];
}

export interface AttachmentsResult {
  /** At most one for each listener and route. */
  readonly attachments: readonly Attachment[];
  readonly issues: readonly ConfigIssue[];
}

/** Attaches every route to the listeners that it names. */
export function attachRoutes(
  routes: readonly HttpRoute[],
  gateways: readonly Gateway[],
  listeners: readonly Listener[],
): AttachmentsResult {
  const byGateway = new Map(gateways.map((gateway) => [resourceName(gateway), [] as Listener[]]));
  for (const listener of listeners) byGateway.get(resourceName(listener.gateway))?.push(listener);
  const results = routes.map((route) => attachRoute(route, byGateway));
  return {
    attachments: results.flatMap(({ attachments }) => attachments),
    issues: results.flatMap(({ issues }) => issues),
  };
}

function attachRoute(route: HttpRoute, byGateway: ReadonlyMap<string, readonly Listener[]>): AttachmentsResult {
  const issues: ConfigIssue[] = [];
  const warn = (path: ConfigPath, message: string, hint = '') =>
    issues.push(issueAt(route, 'warning', path, message, hint));
  const attached = new Map<Listener, Attachment>();
  if (route.spec.parentRefs.length === 0) {
    warn(['spec'], 'names no parent and serves nothing', 'name a Gateway in spec.parentRefs');
  }
  for (const [index, ref] of route.spec.parentRefs.entries()) {
    const path = ['spec', 'parentRefs', index];
    if (ref.group !== 'gateway.networking.k8s.io' || ref.kind !== 'Gateway') {
      warn(path, `a ${ref.kind} is no parent of routes here`, 'name a Gateway');
      continue;
    }
    const gateway = `${ref.namespace ?? route.namespace}/${ref.name}`;
    const candidates = byGateway.get(gateway);
    if (candidates === undefined) {
      warn([...path, 'name'], `there is no Gateway ${gateway}`);
      continue;
    }
    const result = chooseListeners(route, ref, candidates);
    if (typeof result === 'string') warn(path, result);
    else for (const attachment of result) attached.set(attachment.listener, attachment);
  }
  return { attachments: [...attached.values()], issues };
}

/** The attachments that one parentRef makes, or why it makes none. */
function chooseListeners(route: HttpRoute, ref: ParentRef, candidates: readonly Listener[]): Attachment[] | string {
  const gateway = `Gateway ${ref.namespace ?? route.namespace}/${ref.name}`;
  const named = candidates.filter(
    ({ spec }) => (ref.sectionName ?? spec.name) === spec.name && (ref.port ?? spec.port) === spec.port,
  );
  if (named.length === 0) return `no listener of ${gateway} has ${wanted(ref)}`;
  const allowing = named.filter((listener) => allows(listener, route));
  if (allowing.length === 0) {
    return `no listener of ${gateway} allows routes from namespace ${route.namespace} (allowedRoutes.namespaces.from)`;
  }
  const attachments = allowing
    .map((listener) => ({ listener, route, hosts: hostsOf(listener, route.spec) }))
    .filter(({ hosts }) => hosts.length > 0);
  return attachments.length > 0 ? attachments : `no hostname of the route fits a listener of ${gateway}`;
}

function wanted({ sectionName, port }: ParentRef): string {
  const name = sectionName === undefined ? [] : [`the name ${JSON.stringify(sectionName)}`];
  const number = port === undefined ? [] : [`port ${port}`];
  return [...name, ...number].join(' and ') || 'a place for routes';
}

function allows({ gateway, spec }: Listener, route: HttpRoute): boolean {
  const { namespaces, kinds = [] } = spec.allowedRoutes;
  const ofKind = ({ group, kind }: (typeof kinds)[number]) => group === route.group && kind === route.kind;
  if (kinds.length > 0 && !kinds.some(ofKind)) return false;
  return namespaces.from === 'All' || (namespaces.from === 'Same' && gateway.namespace === route.namespace);
}

function hostsOf(listener: Listener, { hostnames }: HttpRouteSpec): AttachedHost[] {
  const hosts = new Map<string, AttachedHost>();
  for (const declared of hostnames.length === 0 ? [''] : [...hostnames].sort(compareHostnames)) {
    const hostname = intersectHostnames(listener.hostname, declared);
    if (hostname !== undefined && !hosts.has(hostname)) hosts.set(hostname, { hostname, declared });
  }
  return [...hosts.values()];
}
