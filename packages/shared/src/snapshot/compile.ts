/**
 * The snapshot compiler: resources in, snapshot and issues out.
 *
 * Follows the Gateway API; each question has its own file (listeners, attachment, rules, matches, services, targets,
 * probe, balancing, affinity, precedence).
 * Deterministic: the order of files, documents and resources does not show in the result. Pure; runs in the primary
 * process, in a thread of its own once the configuration is watched.
 */

import { type ConfigIssue, sortIssues } from '../resources/issue.js';
import { type HttpRoute, type ResourceSet, resourceName } from '../resources/resource.js';
import { indexAffinity } from './affinity.js';
import { type AttachedHost, type Attachment, attachRoutes } from './attachment.js';
import { indexBalancing } from './balancing.js';
import { groupBy } from './group-by.js';
import { compareHostnames } from './hostname.js';
import { collectListeners, type Listener } from './listeners.js';
import { buildMatches, type MatchIndex } from './matches.js';
import { notYet } from './not-yet.js';
import { type Candidate, compareCandidates, compareRoutes } from './precedence.js';
import { compileProbes } from './probe.js';
import { buildRules } from './rules.js';
import { DEFAULT_REMOVAL } from './service-policy.js';
import { createServiceTable, indexServices, unownedSlices } from './services.js';
import type { ListenerSnapshot, MatchSnapshot, Snapshot } from './snapshot.js';
import type { ResourceStatus } from './status.js';
import { sharedNames, strangePorts, unreadDnsNames } from './targets.js';
import { NO_MATERIAL, type TlsMaterial } from './tls.js';
import { snapshotVersion } from './version.js';

export interface CompileResult {
  /** Complete only when no issue is an error. */
  readonly snapshot: Snapshot;
  /** The certificates that the snapshot names by id. */
  readonly material: TlsMaterial;
  /** Of every resource that was read and has a status, by kind and name. */
  readonly statuses: readonly ResourceStatus[];
  readonly issues: readonly ConfigIssue[];
}

/** Compiles what the loader read. */
export function compileSnapshot(resources: ResourceSet): CompileResult {
  const { listeners, issues: conflicts } = collectListeners(resources.gateways);
  const attached = attachRoutes([...resources.httpRoutes].sort(compareRoutes), resources.gateways, listeners);
  const routes = [...new Set(attached.attachments.map(({ route }) => route))];
  const issues = [...notYet(resources), ...conflicts, ...attached.issues, ...unownedSlices(resources.endpointSlices)];
  const index = indexServices(resources);
  const policies = {
    probes: compileProbes(resources.healthCheckPolicies, index.services, issues),
    balancing: indexBalancing(resources.loadBalancingPolicies, index.services, issues),
  };
  const services = createServiceTable(index, policies, issues);
  const affinities = indexAffinity(resources.routePolicies, resources.httpRoutes, issues);
  const table = buildRules(routes, services, affinities, issues);
  const matches = buildMatches(routes, table.firstRule, issues);
  issues.push(...sharedNames(index, services.used), ...unreadDnsNames(index), ...strangePorts(index));
  const attachedTo = groupBy(attached.attachments, ({ listener }) => listener);
  const content = {
    listeners: listeners.map((listener) => buildListener(listener, attachedTo.get(listener) ?? [], matches)),
    routes: routes.map((route) => ({ name: resourceName(route), removal: DEFAULT_REMOVAL })),
    rules: table.rules,
    services: services.list,
  };
  const snapshot = { version: snapshotVersion(content), ...content };
  return { snapshot, material: NO_MATERIAL, statuses: [], issues: sortIssues(issues) };
}

function buildListener(listener: Listener, attachments: readonly Attachment[], index: MatchIndex): ListenerSnapshot {
  const hosts = groupBy(attachments.flatMap(hostsOf), ({ host }) => host.hostname);
  return {
    name: listener.spec.name,
    gateway: resourceName(listener.gateway),
    port: listener.spec.port,
    protocol: 'HTTP',
    hostname: listener.hostname,
    addresses: [],
    normalisePaths: false,
    removal: DEFAULT_REMOVAL,
    tls: null,
    hosts: [...hosts]
      .sort(([a], [b]) => compareHostnames(a, b))
      .map(([hostname, served]) => ({ hostname, matches: orderMatches(served, index) })),
  };
}

interface ServedHost {
  readonly route: HttpRoute;
  readonly host: AttachedHost;
}

function hostsOf({ route, hosts }: Attachment): ServedHost[] {
  return hosts.map((host) => ({ route, host }));
}

/** The matches of all routes that a listener serves under one hostname, in the order in which they are tried. */
function orderMatches(served: readonly ServedHost[], index: MatchIndex): MatchSnapshot[] {
  return served
    .flatMap(({ route, host }) => candidatesOf(route, host.declared, index))
    .sort(compareCandidates)
    .map(({ match }) => match);
}

function candidatesOf(route: HttpRoute, declared: string, index: MatchIndex): Candidate[] {
  return (index.get(route) ?? []).map((placed) => ({ route, declared, ...placed }));
}
