/**
 * Listeners that nothing tells apart, and those whose TLS overlaps.
 *
 * "The implementation MUST NOT pick one conflicting Listener as the winner. ALL indistinct Listeners must not be accepted"
 * (GatewaySpec.Listeners). A port is bound once for all of its listeners, so other addresses on the same port are a
 * conflict too: whoever asked for a loopback address must not be served to the world. Pure but for what it says.
 */
import { issueAt, resourceName } from '../resources/resource.js';
import type { CompileContext } from './context.js';
import { groupBy } from './group-by.js';
import { covers } from './hostname.js';
import type { Listener } from './listeners.js';

interface Conflict {
  readonly reason: 'ProtocolConflict' | 'HostnameConflict' | 'PortUnavailable';
  readonly why: string;
  /** Of listeners of one port: those that have different values conflict, or (`same`) those that have equal ones. */
  readonly property: (listener: Listener) => string;
  readonly same: boolean;
}

/** In the order in which a listener's first is said. */
const CONFLICTS: readonly Conflict[] = [
  {
    reason: 'ProtocolConflict',
    why: 'same port, another protocol',
    property: ({ protocol }) => protocol ?? '',
    same: false,
  },
  {
    reason: 'HostnameConflict',
    why: 'same port, protocol and hostname',
    property: ({ hostname }) => hostname,
    same: true,
  },
  {
    reason: 'PortUnavailable',
    why: 'same port, other addresses (spec.addresses)',
    property: ({ addresses }) => addresses.join(' '),
    same: false,
  },
];

/** The listeners that conflict with another one; each has its conditions and a warning. */
export function findConflicts(candidates: readonly Listener[], context: CompileContext): ReadonlySet<Listener> {
  const conflicted = new Set<Listener>();
  for (const port of groupBy(candidates, ({ spec }) => spec.port).values()) {
    for (const conflict of CONFLICTS) {
      for (const [listener, other] of conflictsOf(port, conflict)) {
        if (conflicted.has(listener)) continue;
        conflicted.add(listener);
        report(listener, other, conflict, context);
      }
    }
  }
  return conflicted;
}

/** Listeners of one port, each with one that it conflicts with. */
function conflictsOf(port: readonly Listener[], { property, same }: Conflict): [Listener, Listener][] {
  const groups = groupBy(port, property);
  const opposite = (listener: Listener): Listener | undefined => {
    if (same) return groups.get(property(listener))?.find((other) => other !== listener);
    return port.find((other) => property(other) !== property(listener));
  };
  return port.flatMap((listener): [Listener, Listener][] => {
    const other = opposite(listener);
    return other === undefined ? [] : [[listener, other]];
  });
}

function report(listener: Listener, other: Listener, { reason, why }: Conflict, context: CompileContext): void {
  const { gateway, spec, path } = listener;
  const message = `conflicts with ${describe(other)}: ${why}`;
  if (reason !== 'PortUnavailable') {
    context.book.listener(gateway, spec.name, { type: 'Conflicted', status: 'True', reason, message });
  }
  context.book.listener(gateway, spec.name, { type: 'Accepted', status: 'False', reason, message });
  context.issues.push(issueAt(gateway, 'warning', [...path, 'port'], `${message}: neither is served`));
}

/** `listener "http" of Gateway default/main`. */
function describe({ gateway, spec }: Listener): string {
  return `listener ${JSON.stringify(spec.name)} of Gateway ${resourceName(gateway)}`;
}

/**
 * Says of HTTPS listeners of one port whose hostnames overlap that they do (OverlappingTLSConfig): a connection that was
 * opened for one of them may be used again for the other. They are served.
 */
export function reportOverlaps(served: readonly Listener[], { book }: CompileContext): void {
  const https = served.filter(({ protocol }) => protocol === 'HTTPS');
  for (const port of groupBy(https, ({ spec }) => spec.port).values()) {
    for (const listener of port) {
      const other = port.find((each) => each !== listener && overlap(each.hostname, listener.hostname));
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

function overlap(a: string, b: string): boolean {
  return covers(a, b) || covers(b, a);
}
