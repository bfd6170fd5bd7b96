/**
 * From listener, host, path and what else of the request a match wants to the rule, by the precedence of the Gateway
 * API, through the index that lies in the snapshot: its cost does not grow with the number of listeners, hosts, paths or
 * conditional matches (path expressions of a host alone are tried one by one, and the text they look at is bounded).
 *
 * Invariant: the answer is the first of `HostSnapshot.matches` that the request meets. The most specific listener whose
 * hostname takes the host answers alone (listener isolation); inside it a less specific host is tried when no rule of a
 * more specific one fits, for hostnames give precedence among the rules that match, they hide none.
 * Nothing is built when a router is made. Pure; runs in the workers.
 */
import { Listener, Match, type RoutingIndex } from '@sluice/shared/snapshot/flat/routing';
import type { SnapshotView } from '@sluice/shared/snapshot/view';
import { HostTable } from './host-table.js';
import { NO_MATCH } from './match-list.js';
import { PathTable } from './path-table.js';
import { PortListeners } from './port-listeners.js';
import { type Refusal, refuse } from './refusal.js';
import { type AskedRequest, RequestView } from './request-match.js';

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
   * all of one declared port, always the same array for a port (its index is cached by identity). `host`: lower case,
   * without port.
   */
  listener(listeners: readonly number[], host: string): number | Refusal;
  /**
   * The rule of the listener that takes the request. `path`: without query. Of `request`, method, fields and query are
   * looked at, and only when a match wants something of them.
   */
  route(listener: number, host: string, path: string, request: AskedRequest): RouteMatch | Refusal;
}

const NO_LISTENER = refuse('no-route', 'no listener takes this host');
const NO_RULE = refuse('no-route');
/** Not the next best rule: a client could choose it by making its request long. */
const TOO_MUCH = refuse('header-too-large', 'more text than the expressions of its routes may look at');

export function createRouter({ routing }: Pick<SnapshotView, 'routing'>): Router {
  const ports = new PortListeners(routing);
  const hosts = new HostTable(routing.keys);
  const paths = new PathTable(routing);
  const view = new RequestView();
  return {
    listener(listeners, host) {
      const found = ports.find(listeners, host);
      return found < 0 ? NO_LISTENER : found;
    },
    route(listener, host, path, request) {
      const row = Listener.columns * listener;
      const scope = routing.listeners[row + Listener.hostScope];
      if (scope === undefined) throw new RangeError(`the snapshot has no listener ${listener}`);
      view.show(request);
      let match = NO_MATCH;
      for (const found of hosts.find(scope, routing.listeners[row + Listener.hostSuffixMax] as number, host)) {
        match = paths.find(found, path, view);
        if (match !== NO_MATCH) break;
      }
      const { exhausted } = view;
      view.show();
      if (exhausted) return TOO_MUCH;
      return match === NO_MATCH ? NO_RULE : matched(routing, listener, match);
    },
  };
}

function matched({ matches }: RoutingIndex, listener: number, match: number): RouteMatch {
  const row = Match.columns * match;
  return {
    listener,
    rule: matches[row + Match.rule] as number,
    prefixLength: matches[row + Match.prefixLength] as number,
  };
}
