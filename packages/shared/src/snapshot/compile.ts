/**
 * The snapshot compiler: resources in, snapshot, material, statuses and issues out.
 *
 * Follows the Gateway API; each question has its own file (gateways, listeners, conflicts, attachment, rules, backends,
 * filters, matches, precedence, services, targets, the policies, statuses). What the standard expresses as a condition is
 * one, with a warning, and the rest is served; an error refuses the whole configuration.
 * Deterministic: the order of files, documents and resources does not show in the result. Pure; runs in the compiler's
 * thread.
 */

import { type ConfigIssue, sortIssues } from '../resources/issue.js';
import { type HttpRoute, issueAt, type ResourceSet, resourceName } from '../resources/resource.js';
import { compareAges } from './age.js';
import { checkKinds } from './allowed-routes.js';
import { type Attachment, attachRoutes } from './attachment.js';
import { withClosed } from './closed-listeners.js';
import { type ConditionBook, createConditionBook } from './condition-book.js';
import { reportOverlaps } from './conflicts.js';
import type { CompileContext, CredentialReadings } from './context.js';
import { ownGateways } from './gateways.js';
import { indexGrants } from './grants.js';
import { groupBy } from './group-by.js';
import { hostsOfListener } from './hosts.js';
import { http2Of } from './listener-http2.js';
import { collectListeners, type Listener } from './listeners.js';
import { buildMatches } from './matches.js';
import { createMaterialBook } from './material.js';
import { indexNamespaces } from './namespaces.js';
import { compilePolicies, type Policies } from './policies.js';
import type { RoutePolicies } from './route-limits.js';
import { buildRules, type RuleTable } from './rules.js';
import { createServiceTable, indexServices, type ServiceIndex, type ServiceTable, unownedSlices } from './services.js';
import type { ListenerInfo, Snapshot } from './snapshot.js';
import type { ResourceStatus } from './status.js';
import { statusesOf } from './statuses.js';
import { sharedNames, strangePorts, unreadDnsNames } from './targets.js';
import type { ListenerTlsSnapshot, TlsMaterial } from './tls.js';
import { unreadPace } from './unread-pace.js';
import { snapshotVersion } from './version.js';

export interface CompileResult {
  /** Complete only when no issue is an error. */
  readonly snapshot: Snapshot;
  /** The certificates that the snapshot names by id. */
  readonly material: TlsMaterial;
  readonly readings: CredentialReadings;
  /** Of every resource that was read and has a status, by kind and name. */
  readonly statuses: readonly ResourceStatus[];
  readonly issues: readonly ConfigIssue[];
}

/** Compiles what the loader read. `forProbes`: for a health daemon. */
export function compileSnapshot(resources: ResourceSet, forProbes = false): CompileResult {
  const book = createConditionBook();
  const context = createContext(resources, book, forProbes);
  context.issues.push(...unownedSlices(resources.endpointSlices), ...unreadPace(resources));
  const index = indexServices(resources);
  const policies = compilePolicies(index.services, context);
  const gateways = ownGateways(context);
  const { listeners, accepted } = collectListeners(gateways, context);
  checkKinds(listeners, context);
  const served = serveListeners(
    listeners.filter((listener) => accepted.has(listener)),
    policies,
    context,
  );
  checkServed(served, context);
  const ours = new Set(gateways.map(({ gateway }) => resourceName(gateway)));
  const routes = [...resources.httpRoutes].sort(compareAges);
  const { attachments, parents } = attachRoutes(routes, ours, listeners, context);
  const serving = new Set(attachments.filter(({ listener }) => served.has(listener)).map(({ route }) => route));
  const { services, table } = compileRules(routes, serving, { index, policies }, context);
  const matches = buildMatches([...serving], table.firstRule, context.issues);
  const attachedTo = groupBy(attachments, ({ listener }) => listener);
  const content = {
    listeners: withClosed(listeners, served, policies.listenerTls).map(([listener, tls]) => ({
      ...listenerInfo(listener, tls, policies.routes),
      hosts: served.has(listener) ? hostsOfListener(attachedTo.get(listener) ?? [], matches) : [],
    })),
    routes: [...serving].map((route) => ({ name: resourceName(route), removal: policies.routes.removalOf(route) })),
    rules: table.rules,
    services: services.list,
  };
  const statuses = statusesOf({
    resources,
    book,
    gateways,
    listeners,
    served: new Set(served.keys()),
    attachedRoutes: countAttached(attachedTo, table),
    parents,
  });
  const snapshot = { version: snapshotVersion(content), ...content };
  const { material, readings, issues } = context;
  return { snapshot, material: material.all(), readings, statuses, issues: sortIssues(issues) };
}

function createContext(resources: ResourceSet, book: ConditionBook, forProbes: boolean): CompileContext {
  return {
    resources,
    grants: indexGrants(resources.referenceGrants),
    namespaces: indexNamespaces(resources.namespaces),
    book,
    issues: [],
    material: createMaterialBook(),
    readings: { good: new Set(), bad: new Map() },
    forProbes,
    nowMs: Date.now(),
  };
}

/** Those of the accepted listeners that can be served, with their TLS, in the same order. */
function serveListeners(
  accepted: readonly Listener[],
  { listenerTls }: Policies,
  context: CompileContext,
): ReadonlyMap<Listener, ListenerTlsSnapshot | null> {
  const served = new Map<Listener, ListenerTlsSnapshot | null>();
  for (const listener of accepted) {
    const compiled = listener.protocol === 'HTTPS' ? listenerTls.of(listener) : null;
    if (compiled !== null || listener.protocol === 'HTTP') served.set(listener, compiled);
  }
  reportOverlaps([...served.keys()], context);
  return served;
}

/** Without any listener there is nothing to go on with: whatever ran before is better. */
function checkServed(served: ReadonlyMap<Listener, unknown>, { resources, issues }: CompileContext): void {
  const [first] = [...resources.gateways].sort((a, b) => (resourceName(a) < resourceName(b) ? -1 : 1));
  if (first === undefined || served.size > 0) return;
  const message = 'there is nothing to serve: no listener of any Gateway is left';
  issues.push(issueAt(first, 'error', ['spec', 'listeners'], message, 'the warnings and conditions say why'));
}

function compileRules(
  routes: readonly HttpRoute[],
  serving: ReadonlySet<HttpRoute>,
  { index, policies }: { readonly index: ServiceIndex; readonly policies: Policies },
  context: CompileContext,
): { readonly services: ServiceTable; readonly table: RuleTable } {
  const { issues } = context;
  const services = createServiceTable(index, policies.services, issues);
  const { affinities, routes: routePolicies } = policies;
  const table = buildRules(routes, serving, { services, affinities, policies: routePolicies }, context);
  issues.push(...sharedNames(index, services.used), ...unreadDnsNames(index), ...strangePorts(index));
  return { services, table };
}

function listenerInfo(listener: Listener, tls: ListenerTlsSnapshot | null, policies: RoutePolicies): ListenerInfo {
  const { gateway, spec, hostname, addresses } = listener;
  return {
    name: spec.name,
    gateway: resourceName(gateway),
    port: spec.port,
    protocol: tls === null ? 'HTTP' : 'HTTPS',
    hostname,
    addresses,
    normalisePaths: policies.normalisesPaths(gateway),
    ...http2Of(gateway, tls !== null),
    proxySources: gateway.annotations.proxyProtocol ?? [],
    trustedProxies: gateway.annotations.trustedProxies ?? [],
    removal: policies.removalOf(gateway),
    tls,
  };
}

/** Routes that are not accepted do not count (ListenerStatus.AttachedRoutes). */
function countAttached(
  attachedTo: ReadonlyMap<Listener, readonly Attachment[]>,
  { rejected }: RuleTable,
): ReadonlyMap<Listener, number> {
  return new Map(
    [...attachedTo].map(([listener, attachments]) => [
      listener,
      attachments.filter(({ route }) => !rejected.has(route)).length,
    ]),
  );
}
