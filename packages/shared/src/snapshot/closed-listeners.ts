/**
 * Listeners that are not served and whose hostnames must not fall to others.
 *
 * The most specific hostname of a port chooses the listener. If one that asks for client certificates were left out, its
 * requests would go to a wider listener of the same port, which may ask for none, with every route that is attached to
 * both. So it stays in the snapshot, without certificates and without hosts: it takes its hostname, and serves nobody. Pure.
 */
import type { ListenerTlsIndex } from './listener-tls.js';
import type { Listener } from './listeners.js';
import type { ListenerTlsSnapshot } from './tls.js';

/** Those that are served and those that are closed, in the order of `listeners`. */
export function withClosed(
  listeners: readonly Listener[],
  served: ReadonlyMap<Listener, ListenerTlsSnapshot | null>,
  tls: ListenerTlsIndex,
): [Listener, ListenerTlsSnapshot | null][] {
  const sockets = new Set([...served.keys()].map(socketOf));
  const taken = new Set([...served.keys()].map(flowOf));
  return listeners.flatMap((listener): [Listener, ListenerTlsSnapshot | null][] => {
    const compiled = served.get(listener);
    if (compiled !== undefined) return [[listener, compiled]];
    const closed = tls.closed(listener);
    // Nobody but the served ones has the port bound; and what they serve by the same hostname is theirs.
    if (closed === null || !sockets.has(socketOf(listener)) || taken.has(flowOf(listener))) return [];
    taken.add(flowOf(listener));
    return [[listener, closed]];
  });
}

function socketOf({ spec, addresses }: Listener): string {
  return `${spec.port} ${addresses.join(' ')}`;
}

function flowOf(listener: Listener): string {
  return `${listener.hostname} ${socketOf(listener)}`;
}
