/**
 * The listeners of our Gateways, checked against each other.
 *
 * All Gateways share one data plane, so port, protocol and hostname must tell any two listeners apart (GatewaySpec.
 * Listeners, "Distinct Listeners"); of those that conflict none is served, and the rest is (conflicts.ts). Protocols that
 * are not served conflict with nothing. A listener that is not accepted keeps the routes that it allows: their attachment
 * does not depend on it (ListenerStatus.AttachedRoutes). Pure but for what it says.
 */
import type { ListenerSpec } from '../resources/gateway.js';
import type { ConfigPath } from '../resources/path.js';
import { type Gateway, issueAt, resourceName } from '../resources/resource.js';
import { findConflicts } from './conflicts.js';
import type { CompileContext } from './context.js';
import type { OwnGateway } from './gateways.js';
import { groupBy } from './group-by.js';
import { compareHostnames, compareText } from './hostname.js';

export type Protocol = 'HTTP' | 'HTTPS';

export interface Listener {
  readonly gateway: Gateway;
  /** Where it stands in its Gateway. */
  readonly path: ConfigPath;
  readonly spec: ListenerSpec;
  /** null: it is not served. */
  readonly protocol: Protocol | null;
  /** `''` when it takes every host. */
  readonly hostname: string;
  /** To bind, canonical; none: what the options of the process say. */
  readonly addresses: readonly string[];
}

export interface ListenersResult {
  /** By port, then the most specific hostname first; those that share a name with another of their Gateway are left out. */
  readonly listeners: readonly Listener[];
  /** Those that may be served. */
  readonly accepted: ReadonlySet<Listener>;
}

/** The listeners of all Gateways. One that repeats a name is an error, all else that is wrong a condition. */
export function collectListeners(gateways: readonly OwnGateway[], context: CompileContext): ListenersResult {
  const listeners = gateways.flatMap((own) => namedOnce(listenersOf(own), context)).sort(byPrecedence);
  const accepted = new Set(gateways.flatMap((own) => (own.accepted ? [own.gateway] : [])));
  const candidates = listeners.filter((listener) => accepted.has(listener.gateway) && isServable(listener, context));
  const conflicted = findConflicts(candidates, context);
  return { listeners, accepted: new Set(candidates.filter((listener) => !conflicted.has(listener))) };
}

function listenersOf({ gateway, addresses }: OwnGateway): Listener[] {
  return gateway.spec.listeners.map((spec, index) => ({
    gateway,
    path: ['spec', 'listeners', index],
    spec,
    protocol: protocolOf(spec),
    hostname: spec.hostname ?? '',
    addresses,
  }));
}

/** Core protocols are the same in any case (ProtocolType). */
export function protocolOf({ protocol }: ListenerSpec): Protocol | null {
  const name = protocol.toUpperCase();
  return name === 'HTTP' || name === 'HTTPS' ? name : null;
}

function namedOnce(listeners: readonly Listener[], { issues }: CompileContext): Listener[] {
  return [...groupBy(listeners, ({ spec }) => spec.name).values()].flatMap((group) => {
    if (group.length === 1) return group;
    for (const { gateway, path } of group.slice(1)) {
      issues.push(issueAt(gateway, 'error', [...path, 'name'], 'is the name of an earlier listener of this Gateway'));
    }
    return [];
  });
}

export interface Refusal {
  readonly reason: string;
  /** The field that is wrong. */
  readonly field: string;
  readonly message: string;
  readonly hint?: string;
}

/** Says why a listener is not accepted: in a condition and a warning. */
export function refuse({ gateway, spec, path }: Listener, context: CompileContext, refusal: Refusal): void {
  const { reason, field, message, hint = '' } = refusal;
  context.book.listener(gateway, spec.name, { type: 'Accepted', status: 'False', reason, message });
  context.issues.push(issueAt(gateway, 'warning', [...path, field], `${message}: the listener is not served`, hint));
}

function isServable(listener: Listener, context: CompileContext): boolean {
  const { protocol, spec } = listener;
  if (protocol === null) {
    const message = `protocol ${spec.protocol} is not supported`;
    refuse(listener, context, {
      reason: 'UnsupportedProtocol',
      field: 'protocol',
      message,
      hint: 'use HTTP or HTTPS',
    });
  } else if (protocol === 'HTTPS' && spec.tls === undefined) {
    const message = 'a listener with protocol: HTTPS needs tls';
    refuse(listener, context, {
      reason: 'UnsupportedValue',
      field: 'protocol',
      message,
      hint: 'as in tls: { certificateRefs: [{ name: chat-tls }] }',
    });
  } else if (protocol === 'HTTPS' && spec.tls?.mode !== 'Terminate') {
    const message = 'TLS is always terminated here, and never passed through';
    refuse(listener, context, { reason: 'UnsupportedValue', field: 'tls', message, hint: 'use mode: Terminate' });
  } else return true;
  return false;
}

function nameKey({ gateway, spec }: Listener): string {
  return `${resourceName(gateway)}/${spec.name}`;
}

function byPrecedence(a: Listener, b: Listener): number {
  return a.spec.port - b.spec.port || compareHostnames(a.hostname, b.hostname) || compareText(nameKey(a), nameKey(b));
}
