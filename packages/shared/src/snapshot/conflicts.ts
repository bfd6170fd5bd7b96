/**
 * Listeners that nothing tells apart, and those whose TLS overlaps.
 *
 * "The implementation MUST NOT pick one conflicting Listener as the winner. ALL indistinct Listeners must not be accepted"
 * (GatewaySpec.Listeners): so it is within a Gateway. Over Gateways that share a data plane the standard leaves it open; the
 * older one keeps its listener (then by name, as ListenerSets do), so that a Gateway that is added takes nothing off.
 * Listeners share a socket when they have port and address in common; a socket on every address and one on a single address
 * cannot stand side by side on one port, so those who ask for the one or the other conflict too. A PROXY header comes before
 * anything that tells listeners of a socket apart, so their Gateways must agree on who sends one. Pure but for what it says.
 */
import { isIPv4 } from 'node:net';
import { issueAt, resourceName } from '../resources/resource.js';
import { compareAges } from './age.js';
import type { CompileContext } from './context.js';
import { groupBy } from './group-by.js';
import { covers } from './hostname.js';
import type { Listener } from './listeners.js';

const CONFLICTS = {
  ProtocolConflict: 'same port, another protocol',
  HostnameConflict: 'same port, protocol and hostname',
  PortUnavailable: 'same port, on every address and on one (spec.addresses)',
  ProxyProtocol: 'same port, other sources of PROXY headers (sluice.dev/proxy-protocol)',
} as const;

const REMEDIES: Readonly<Record<keyof typeof CONFLICTS, string>> = {
  HostnameConflict: 'give one of them another hostname or port, or remove it',
  ProtocolConflict: 'give one of them another port',
  PortUnavailable: 'give one of them another port, or both Gateways the same addresses',
  ProxyProtocol: 'give one of them another port, or both Gateways the same sluice.dev/proxy-protocol',
};

interface Conflict {
  readonly kind: keyof typeof CONFLICTS;
  readonly listener: Listener;
  readonly other: Listener;
}

/** The listeners that conflict with another one of their Gateway, or of an older one; each has its conditions and a warning. */
export function findConflicts(candidates: readonly Listener[], context: CompileContext): ReadonlySet<Listener> {
  const conflicted = new Set<Listener>();
  const refuse = (conflict: Conflict) => {
    if (conflicted.has(conflict.listener)) return;
    conflicted.add(conflict.listener);
    report(conflict, context);
  };
  for (const port of groupBy(candidates, ({ spec }) => spec.port).values()) {
    const taken: Sockets = new Map();
    const gateways = [...groupBy(port, ({ gateway }) => gateway)].sort(([a], [b]) => compareAges(a, b));
    for (const [, own] of gateways) {
      for (const conflict of conflictsWithin(own)) refuse(conflict);
      const distinct = own.filter((listener) => !conflicted.has(listener));
      for (const conflict of distinct.flatMap((listener) => conflictWith(taken, listener))) refuse(conflict);
      for (const listener of distinct) if (!conflicted.has(listener)) take(taken, listener);
    }
  }
  return conflicted;
}

/** Of one Gateway, which has the same addresses for all of its listeners. */
function conflictsWithin(own: readonly Listener[]): Conflict[] {
  return [...protocolConflicts(own), ...hostnameConflicts(own)];
}

/** What is bound on one address: listeners by hostname, all of one protocol. */
type Sockets = Map<string, Map<string, Listener>>;

function take(taken: Sockets, listener: Listener): void {
  for (const address of boundAddresses(listener)) {
    const socket = taken.get(address) ?? new Map<string, Listener>();
    socket.set(listener.hostname, listener);
    taken.set(address, socket);
  }
}

/** The conflict of a listener with one of an older Gateway; none or one. */
function conflictWith(taken: Sockets, listener: Listener): Conflict[] {
  for (const address of boundAddresses(listener)) {
    for (const [bound, socket] of taken) {
      const [first] = socket.values();
      if (first === undefined) continue;
      if (bound === address) {
        if (first.protocol !== listener.protocol) return [{ kind: 'ProtocolConflict', listener, other: first }];
        if (!sameSources(first, listener)) return [{ kind: 'ProxyProtocol', listener, other: first }];
        const same = socket.get(listener.hostname);
        if (same !== undefined) return [{ kind: 'HostnameConflict', listener, other: same }];
      } else if (includes(bound, address) || includes(address, bound)) {
        return [{ kind: 'PortUnavailable', listener, other: first }];
      }
    }
  }
  return [];
}

/** Both are in canonical order. */
function sameSources(a: Listener, b: Listener): boolean {
  return String(a.gateway.annotations.proxyProtocol) === String(b.gateway.annotations.proxyProtocol);
}

/** '': what the options say. */
function boundAddresses({ addresses }: Listener): readonly string[] {
  return addresses.length === 0 ? [''] : addresses;
}

/** The listeners of one port by the address that is bound; '': what the options say. */
function socketsOf(port: readonly Listener[]): ReadonlyMap<string, readonly Listener[]> {
  const entries = port.flatMap((listener) => boundAddresses(listener).map((address) => ({ address, listener })));
  const sockets = [...groupBy(entries, ({ address }) => address)];
  return new Map(sockets.map(([address, group]) => [address, group.map(({ listener }) => listener)]));
}

function protocolConflicts(socket: readonly Listener[]): Conflict[] {
  const groups = [...groupBy(socket, ({ protocol }) => protocol).values()];
  return groups.flatMap((group) => {
    const other = groups.find((each) => each !== group)?.[0];
    return other === undefined ? [] : group.map((listener) => ({ kind: 'ProtocolConflict', listener, other }));
  });
}

function hostnameConflicts(socket: readonly Listener[]): Conflict[] {
  return [...groupBy(socket, ({ hostname }) => hostname).values()].flatMap(([first, second, ...rest]) => {
    if (first === undefined || second === undefined) return [];
    const others = [second, ...rest].map((listener) => ({
      kind: 'HostnameConflict' as const,
      listener,
      other: first,
    }));
    return [{ kind: 'HostnameConflict' as const, listener: first, other: second }, ...others];
  });
}

/** Whether a socket on the one address takes connections to the other, which is another one. */
export function includes(address: string, other: string): boolean {
  if (address === other) return false;
  return address === '' || address === '::' || (address === '0.0.0.0' && isIPv4(other));
}

function report({ kind, listener, other }: Conflict, context: CompileContext): void {
  const { gateway, spec, path } = listener;
  const message = `conflicts with ${describe(other)}: ${CONFLICTS[kind]}`;
  const reason = kind === 'ProxyProtocol' ? 'ProtocolConflict' : kind;
  const outcome = other.gateway === gateway ? 'neither is served' : 'this one is not served';
  if (reason !== 'PortUnavailable') {
    context.book.listener(gateway, spec.name, { type: 'Conflicted', status: 'True', reason, message });
  }
  context.book.listener(gateway, spec.name, { type: 'Accepted', status: 'False', reason, message });
  context.issues.push(issueAt(gateway, 'warning', [...path, 'port'], `${message}: ${outcome}`, REMEDIES[kind]));
}

/** `listener "http" of Gateway default/main`. */
function describe({ gateway, spec }: Listener): string {
  return `listener ${JSON.stringify(spec.name)} of Gateway ${resourceName(gateway)}`;
}

/**
 * Says of HTTPS listeners of one socket whose hostnames overlap that they do (OverlappingTLSConfig): a connection that was
 * opened for one of them may be used again for the other. They are served.
 */
export function reportOverlaps(served: readonly Listener[], { book }: CompileContext): void {
  const https = served.filter(({ protocol }) => protocol === 'HTTPS');
  for (const port of groupBy(https, ({ spec }) => spec.port).values()) {
    for (const socket of socketsOf(port).values()) {
      for (const listener of socket) {
        const other = socket.find((each) => each !== listener && overlap(each.hostname, listener.hostname));
        if (other === undefined) continue;
        const message = `hosts of ${describe(other)} are hosts of this one too`;
        const condition = {
          type: 'OverlappingTLSConfig',
          status: 'True',
          reason: 'OverlappingHostnames',
          message,
        } as const;
        book.listener(listener.gateway, listener.spec.name, condition);
      }
    }
  }
}

function overlap(a: string, b: string): boolean {
  return covers(a, b) || covers(b, a);
}
