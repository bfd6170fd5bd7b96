/**
 * The listeners of all Gateways, checked against each other.
 *
 * All Gateways share one data plane, so port, protocol and hostname must tell any two listeners apart (GatewaySpec.
 * Listeners, "Distinct Listeners"); of two that conflict neither is served. Pure.
 */
import type { ListenerSpec } from '../resources/gateway.js';
import type { ConfigIssue } from '../resources/issue.js';
import type { ConfigPath } from '../resources/path.js';
import { type Gateway, issueAt, resourceName } from '../resources/resource.js';
import { groupBy } from './group-by.js';
import { compareHostnames, compareText } from './hostname.js';

export interface Listener {
  readonly gateway: Gateway;
  /** Where it stands in its Gateway. */
  readonly path: ConfigPath;
  readonly spec: ListenerSpec;
  /** `''` when it takes every host. */
  readonly hostname: string;
}

export interface ListenersResult {
  /** By port, then the most specific hostname first. */
  readonly listeners: readonly Listener[];
  readonly issues: readonly ConfigIssue[];
}

/** Distinct listeners; an error for each one that repeats a name or conflicts. */
export function collectListeners(gateways: readonly Gateway[]): ListenersResult {
  const all = [...gateways].sort(byName).flatMap(listenersOf);
  const issues: ConfigIssue[] = [];
  const dropped = new Set<Listener>();
  const refuse = (group: readonly Listener[], message: (first: Listener) => string, field: string) => {
    const [first, ...rest] = group;
    if (first === undefined || rest.length === 0) return;
    for (const listener of group) dropped.add(listener);
    for (const { gateway, path } of rest) issues.push(issueAt(gateway, 'error', [...path, field], message(first)));
  };
  for (const group of groupBy(all, nameKey).values()) {
    refuse(group, () => 'is the name of an earlier listener of this Gateway', 'name');
  }
  for (const group of groupBy(all, flowKey).values()) {
    refuse(group, (first) => `conflicts with ${describe(first)}: same port, protocol and hostname`, 'port');
  }
  const listeners = all.filter((listener) => !dropped.has(listener)).sort(byPrecedence);
  return { listeners, issues };
}

function listenersOf(gateway: Gateway): Listener[] {
  return gateway.spec.listeners.map((spec, index) => ({
    gateway,
    path: ['spec', 'listeners', index],
    spec,
    hostname: spec.hostname ?? '',
  }));
}

function nameKey({ gateway, spec }: Listener): string {
  return `${resourceName(gateway)}/${spec.name}`;
}

function flowKey({ spec, hostname }: Listener): string {
  return `${spec.port}/${spec.protocol}/${hostname}`;
}

/** `listener "http" of Gateway default/main`. */
function describe({ gateway, spec }: Listener): string {
  return `listener ${JSON.stringify(spec.name)} of Gateway ${resourceName(gateway)}`;
}

function byName(a: Gateway, b: Gateway): number {
  return compareText(resourceName(a), resourceName(b));
}

function byPrecedence(a: Listener, b: Listener): number {
  return a.spec.port - b.spec.port || compareHostnames(a.hostname, b.hostname) || compareText(nameKey(a), nameKey(b));
}
