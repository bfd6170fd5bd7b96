/**
 * The hosts of a listener with their matches, in the order in which they are tried. Pure.
 */
import type { HttpRoute } from '../resources/resource.js';
import type { AttachedHost, Attachment } from './attachment.js';
import { groupBy } from './group-by.js';
import { compareHostnames } from './hostname.js';
import type { MatchIndex } from './matches.js';
import { type Candidate, compareCandidates } from './precedence.js';
import type { HostSnapshot, MatchSnapshot } from './snapshot.js';

interface ServedHost {
  readonly route: HttpRoute;
  readonly host: AttachedHost;
}

/** `attachments`: those of one listener. */
export function hostsOfListener(attachments: readonly Attachment[], index: MatchIndex): HostSnapshot[] {
  const hosts = groupBy(attachments.flatMap(hostsOf), ({ host }) => host.hostname);
  return [...hosts]
    .sort(([a], [b]) => compareHostnames(a, b))
    .map(([hostname, served]) => ({ hostname, matches: orderMatches(served, index) }));
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
