/**
 * Which routes belong to which listeners: parentRefs against Gateways, listeners and what these allow.
 *
 * A parentRef that attaches to nothing is a condition of the route for that parent, and a warning: the rest of the
 * configuration is served. Whether a listener is served itself does not matter here (ListenerStatus.AttachedRoutes). Pure
 * but for what it says.
 */
import type { HttpRouteSpec, ParentRef } from '../resources/http-route.js';
import type { ConfigPath } from '../resources/path.js';
import { type HttpRoute, issueAt, resourceName } from '../resources/resource.js';
import { absent } from './absence.js';
import { allowsRoutes } from './allowed-routes.js';
import type { CompileContext } from './context.js';
import { groupBy } from './group-by.js';
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
  /** At most one for each listener and route, in the order of the routes. */
  readonly attachments: readonly Attachment[];
  /** Positions in spec.parentRefs of the parents that are ours to judge, of each route. */
  readonly parents: ReadonlyMap<HttpRoute, readonly number[]>;
}

/** `ours`: names of our Gateways. */
export function attachRoutes(
  routes: readonly HttpRoute[],
  ours: ReadonlySet<string>,
  listeners: readonly Listener[],
  context: CompileContext,
): AttachmentsResult {
  const byGateway = groupBy(listeners, ({ gateway }) => resourceName(gateway));
  const all = new Set(context.resources.gateways.map(resourceName));
  const isForeign = (name: string) => all.has(name) && !ours.has(name);
  const attachments: Attachment[] = [];
  const parents = new Map<HttpRoute, readonly number[]>();
  for (const route of routes) {
    const result = attachRoute(
      route,
      (name) => (isForeign(name) ? undefined : (byGateway.get(name) ?? NONE)),
      ours,
      context,
    );
    attachments.push(...result.attachments);
    parents.set(route, result.parents);
  }
  return { attachments, parents };
}

const NONE: readonly Listener[] = [];

interface RouteAttachments {
  readonly attachments: readonly Attachment[];
  readonly parents: readonly number[];
}

/** `listenersOf`: of a Gateway by name; undefined for one that is somebody else's. */
function attachRoute(
  route: HttpRoute,
  listenersOf: (gateway: string) => readonly Listener[] | undefined,
  ours: ReadonlySet<string>,
  context: CompileContext,
): RouteAttachments {
  const warn = (path: ConfigPath, message: string, hint = '') =>
    context.issues.push(issueAt(route, 'warning', path, message, hint));
  const attached = new Map<Listener, Attachment>();
  const parents: number[] = [];
  if (route.spec.parentRefs.length === 0) {
    warn(['spec'], 'names no parent and serves nothing', 'name a Gateway in spec.parentRefs');
  }
  for (const [position, ref] of route.spec.parentRefs.entries()) {
    const path = ['spec', 'parentRefs', position];
    if (!isGateway(ref)) {
      warn([...path, 'kind'], `a parent of kind ${ref.kind} is not served: passed over`, 'a parent is a Gateway');
      continue;
    }
    const gateway = `${ref.namespace ?? route.namespace}/${ref.name}`;
    const candidates = listenersOf(gateway);
    if (candidates === undefined) continue;
    parents.push(position);
    const result = ours.has(gateway) ? chooseListeners(route, ref, candidates, context) : noGateway(gateway);
    if (!('reason' in result)) for (const each of result) attached.set(each.listener, each);
    else {
      const { reason, message, field = [] } = result;
      context.book.route(route, position, { type: 'Accepted', status: 'False', reason, message });
      warn([...path, ...field], message);
    }
  }
  return { attachments: [...attached.values()], parents };
}

function isGateway({ group, kind }: ParentRef): boolean {
  return group === 'gateway.networking.k8s.io' && kind === 'Gateway';
}

/** Why a parentRef attaches to nothing. */
interface Detachment {
  readonly reason: 'NoMatchingParent' | 'NotAllowedByListeners' | 'NoMatchingListenerHostname';
  readonly message: string;
  readonly field?: ConfigPath;
}

function noGateway(gateway: string): Detachment {
  return { reason: 'NoMatchingParent', message: absent('Gateway', gateway), field: ['name'] };
}

/** The attachments that one parentRef makes, or why it makes none. */
function chooseListeners(
  route: HttpRoute,
  ref: ParentRef,
  candidates: readonly Listener[],
  { namespaces }: CompileContext,
): Attachment[] | Detachment {
  const gateway = `Gateway ${ref.namespace ?? route.namespace}/${ref.name}`;
  const named = candidates.filter(
    ({ spec }) => (ref.sectionName ?? spec.name) === spec.name && (ref.port ?? spec.port) === spec.port,
  );
  if (named.length === 0) {
    return { reason: 'NoMatchingParent', message: `no listener of ${gateway} has ${wanted(ref)}` };
  }
  const allowing = named.filter((listener) => allowsRoutes(listener, route.namespace, namespaces));
  if (allowing.length === 0) {
    const message = `no listener of ${gateway} allows HTTPRoutes from namespace ${route.namespace} (allowedRoutes)`;
    return { reason: 'NotAllowedByListeners', message };
  }
  const attachments = allowing
    .map((listener) => ({ listener, route, hosts: hostsOf(listener, route.spec) }))
    .filter(({ hosts }) => hosts.length > 0);
  if (attachments.length > 0) return attachments;
  const message = `no hostname of the route fits a listener of ${gateway}`;
  return { reason: 'NoMatchingListenerHostname', message };
}

function wanted({ sectionName, port }: ParentRef): string {
  const name = sectionName === undefined ? [] : [`the name ${JSON.stringify(sectionName)}`];
  const number = port === undefined ? [] : [`port ${port}`];
  return [...name, ...number].join(' and ') || 'a place for routes';
}

function hostsOf(listener: Listener, { hostnames }: HttpRouteSpec): AttachedHost[] {
  const hosts = new Map<string, AttachedHost>();
  for (const declared of hostnames.length === 0 ? [''] : [...hostnames].sort(compareHostnames)) {
    const hostname = intersectHostnames(listener.hostname, declared);
    if (hostname !== undefined && !hosts.has(hostname)) hosts.set(hostname, { hostname, declared });
  }
  return [...hosts.values()];
}
