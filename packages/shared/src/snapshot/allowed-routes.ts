/**
 * What a listener lets attach: kinds of routes, and namespaces of routes (allowedRoutes).
 *
 * A kind that is not served is a condition of the listener, and does not keep the others away. Pure but for what it says.
 */
import { issueAt } from '../resources/resource.js';
import type { CompileContext } from './context.js';
import type { Listener } from './listeners.js';
import { type Namespaces, selects } from './namespaces.js';

export interface RouteKind {
  readonly group: string;
  readonly kind: string;
}

export const HTTP_ROUTE: RouteKind = { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute' };

const NO_KINDS: readonly RouteKind[] = [];
const HTTP_KINDS: readonly RouteKind[] = [HTTP_ROUTE];

/** The kinds that it serves, of those that it names if it names any (ListenerStatus.SupportedKinds). */
export function supportedKinds({ spec, protocol }: Listener): readonly RouteKind[] {
  if (protocol === null) return NO_KINDS;
  const { kinds = [] } = spec.allowedRoutes;
  return kinds.length === 0 || kinds.some(isServed) ? HTTP_KINDS : NO_KINDS;
}

function isServed({ group, kind }: RouteKind): boolean {
  return group === HTTP_ROUTE.group && kind === HTTP_ROUTE.kind;
}

/** Says which of the kinds that listeners name are not served. */
export function checkKinds(listeners: readonly Listener[], { book, issues }: CompileContext): void {
  for (const { gateway, spec, path } of listeners) {
    const { kinds = [] } = spec.allowedRoutes;
    for (const [position, kind] of kinds.entries()) {
      if (isServed(kind)) continue;
      const message = `routes of kind ${kind.kind} of group ${JSON.stringify(kind.group)} are not served`;
      const at = [...path, 'allowedRoutes', 'kinds', position];
      book.listener(gateway, spec.name, {
        type: 'ResolvedRefs',
        status: 'False',
        reason: 'InvalidRouteKinds',
        message,
      });
      issues.push(issueAt(gateway, 'warning', at, message, `use ${HTTP_ROUTE.kind} of ${HTTP_ROUTE.group}`));
    }
  }
}

/** Whether HTTPRoutes of the namespace may attach. */
export function allowsRoutes(listener: Listener, namespace: string, namespaces: Namespaces): boolean {
  if (supportedKinds(listener).length === 0) return false;
  const { from, selector } = listener.spec.allowedRoutes.namespaces;
  switch (from) {
    case 'All':
      return true;
    case 'Same':
      return listener.gateway.namespace === namespace;
    case 'Selector':
      return selector !== undefined && selects(selector, namespaces.labelsOf(namespace));
    case 'None':
      return false;
  }
}
