/**
 * From listener, host, path and what else of the request a match wants to the rule, by the precedence of the Gateway
 * API, through indexes whose cost does not grow with the number of listeners, hosts or paths; the conditional matches of
 * one path are tried one by one.
 *
 * Invariant: the answer is the first of `HostSnapshot.matches` that the request meets. The most specific listener whose
 * hostname takes the host answers alone (listener isolation); inside it a less specific host is tried when no rule of a
 * more specific one fits, for hostnames give precedence among the rules that match, they hide none.
 * Pure; runs in the workers.
 */
import type { HostSnapshot, ListenerSnapshot, MatchSnapshot } from '@sluice/shared/snapshot/snapshot';
import type { SnapshotView } from '@sluice/shared/snapshot/view';
import { createHostTable, type HostTable } from './host-table.js';
import { createPathTable, type PathTable } from './path-table.js';
import { type Refusal, refuse } from './refusal.js';
import { type AskedRequest, hasConditions, RequestView } from './request-match.js';

export interface RouteMatch {
  /** Index into `Snapshot.listeners`. */
  readonly listener: number;
  /** Index into `Snapshot.rules`. */
  readonly rule: number;
  /**
   * Characters of the path that the matched PathPrefix covers: what follows them is nothing or begins with `/`. 0 for the
   * prefix `/` and for other path matches.
   */
  readonly prefixLength: number;
}

export interface Router {
  /**
   * The listener that answers for the host: index into `Snapshot.listeners`. `listeners`: those that share the bound port,
   * always the same array for a port (its index is cached by identity). `host`: lower case, without port.
   */
  listener(listeners: readonly number[], host: string): number | Refusal;
  /**
   * The rule of the listener that takes the request. `path`: without query. Of `request`, method, fields and query are
   * looked at, and only when a match wants something of them.
   */
  route(listener: number, host: string, path: string, request: AskedRequest): RouteMatch | Refusal;
}

type ListenerTable = HostTable<PathTable<RouteMatch>>;

const NO_LISTENER = refuse('no-route', 'no listener takes this host');
const NO_RULE = refuse('no-route');

export function createRouter(snapshot: SnapshotView): Router {
  const tables = snapshot.listeners.map(listenerTable);
  const ports = new WeakMap<readonly number[], HostTable<number>>();
  const portOf = (listeners: readonly number[]): HostTable<number> => {
    let port = ports.get(listeners);
    if (port === undefined) {
      port = portTable(snapshot, listeners);
      ports.set(listeners, port);
    }
    return port;
  };
  const view = new RequestView();
  return {
    listener: (listeners, host) => portOf(listeners).find(host, identity) ?? NO_LISTENER,
    route(listener, host, path, request) {
      view.show(request);
      const found = tables[listener]?.find(host, (paths) => paths.find(path, view));
      view.show();
      return found ?? NO_RULE;
    },
  };
}

function identity(listener: number): number {
  return listener;
}

function portTable(snapshot: SnapshotView, listeners: readonly number[]): HostTable<number> {
  const entries = listeners.map((index): [string, number] => {
    const listener = snapshot.listeners[index];
    if (listener === undefined) throw new RangeError(`the snapshot has no listener ${index}`);
    return [listener.hostname, index];
  });
  return createHostTable(entries);
}

function listenerTable(listener: ListenerSnapshot, index: number): ListenerTable {
  return createHostTable(listener.hosts.map((host) => [host.hostname, hostPaths(host, index)]));
}

/** Every match with its answer ready made: routing by host and path allocates nothing. */
function hostPaths(host: HostSnapshot, listener: number): PathTable<RouteMatch> {
  return createPathTable(
    host.matches.map((match) => ({
      pathType: match.pathType,
      path: match.path,
      conditions: hasConditions(match) ? match : undefined,
      value: { listener, rule: match.rule, prefixLength: prefixLength(match) },
    })),
  );
}

function prefixLength({ pathType, path }: MatchSnapshot): number {
  return pathType === 'PathPrefix' && path !== '/' ? path.length : 0;
}
