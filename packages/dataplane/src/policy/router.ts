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
import type { HostSnapshot, ListenerSnapshot } from '@sluice/shared/snapshot/snapshot';
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
}

export interface Router {
  /**
   * `listeners`: those that share the bound port, always the same array for a port (its index is cached by identity).
   * `host`: lower case, without port; `path`: without query. Of `request`, method, fields and query are looked at, and
   * only when a match wants something of them.
   */
  route(listeners: readonly number[], host: string, path: string, request: AskedRequest): RouteMatch | Refusal;
}

type ListenerTable = HostTable<PathTable<RouteMatch>>;

const NO_LISTENER = refuse('no-route', 'no listener takes this host');
const NO_RULE = refuse('no-route');

export function createRouter(snapshot: SnapshotView): Router {
  const tables = snapshot.listeners.map(listenerTable);
  const ports = new WeakMap<readonly number[], HostTable<ListenerTable>>();
  const portOf = (listeners: readonly number[]): HostTable<ListenerTable> => {
    let port = ports.get(listeners);
    if (port === undefined) {
      port = portTable(snapshot, tables, listeners);
      ports.set(listeners, port);
    }
    return port;
  };
  const view = new RequestView();
  return {
    route(listeners, host, path, request) {
      const listener = portOf(listeners).find(host, identity);
      if (listener === undefined) return NO_LISTENER;
      view.show(request);
      const found = listener.find(host, (paths) => paths.find(path, view));
      view.show();
      return found ?? NO_RULE;
    },
  };
}

function identity(table: ListenerTable): ListenerTable {
  return table;
}

function portTable(
  snapshot: SnapshotView,
  tables: readonly ListenerTable[],
  listeners: readonly number[],
): HostTable<ListenerTable> {
  const entries: [string, ListenerTable][] = [];
  for (const index of listeners) {
    const listener = snapshot.listeners[index];
    const table = tables[index];
    if (listener === undefined || table === undefined) throw new RangeError(`the snapshot has no listener ${index}`);
    entries.push([listener.hostname, table]);
  }
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
      value: { listener, rule: match.rule },
    })),
  );
}
