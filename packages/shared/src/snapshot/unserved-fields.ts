/**
 * Standard fields that are read and not served: what a route or a Gateway asks for with them, and does not get.
 *
 * Only fields without which nothing becomes less safe: the rest of the resource is served, and a condition says so. Those
 * that would be less safe without (TLS, client certificates) are refused by the schemas. A value that asks for what is
 * done anyhow is not spoken of. Pure.
 */
import type { HttpRouteRule } from '../resources/http-route.js';
import type { ConfigPath } from '../resources/path.js';
import type { Gateway, HttpRoute } from '../resources/resource.js';

/** A field that is there, and what is said of it. */
export interface UnservedField {
  readonly path: ConfigPath;
  readonly message: string;
  readonly hint: string;
}

/** The value of `useDefaultGateways` and `defaultScope` that asks for no default Gateway. */
const NO_DEFAULT = 'None';

/** Of a rule. `index`: where it stands in its route. */
export function unservedOfRule({ retry, sessionPersistence }: HttpRouteRule, index: number): UnservedField[] {
  const at = ['spec', 'rules', index];
  return [
    ...found(
      retry,
      [...at, 'retry'],
      'is not supported: up to 3 endpoints are tried while connecting fails, and none once the request was sent',
      'remove the field; the rule is served without it',
    ),
    ...found(
      sessionPersistence,
      [...at, 'sessionPersistence'],
      'is not supported: the rule is served without it',
      'choose session affinity with a RoutePolicy of alb.networking.azure.io/v1',
    ),
  ];
}

/** Of a route itself. */
export function unservedOfRoute({ spec: { useDefaultGateways } }: HttpRoute): UnservedField[] {
  return found(
    useDefaultGateways === NO_DEFAULT ? undefined : useDefaultGateways,
    ['spec', 'useDefaultGateways'],
    'is not supported: the route belongs to its parentRefs alone',
    'name the Gateway in parentRefs',
  );
}

/** Of a Gateway. */
export function unservedOfGateway({ spec: { allowedListeners, defaultScope } }: Gateway): UnservedField[] {
  return [
    ...found(
      allowedListeners,
      ['spec', 'allowedListeners'],
      'is not supported: no ListenerSet is read',
      'write the listeners in the Gateway',
    ),
    ...found(
      defaultScope === NO_DEFAULT ? undefined : defaultScope,
      ['spec', 'defaultScope'],
      'is not supported: routes belong to their parentRefs alone',
      'name the Gateway in the parentRefs of each route',
    ),
  ];
}

function found(value: unknown, path: ConfigPath, message: string, hint: string): UnservedField[] {
  return value === undefined ? [] : [{ path, message, hint }];
}
