/**
 * Who may open a WebSocket by its Origin: the annotations of an HTTPRoute.
 *
 * Pages of any origin may open a WebSocket to any host and send its cookies along (RFC 6455 section 10.2), so a list shuts
 * out what it does not name; a request without Origin comes from no browser, and is let in only when that is written. Pure.
 */
import type { HttpRoute } from '../resources/resource.js';
import type { OriginsSnapshot } from './rule-policy.js';

/** null: everybody. */
export function compileOrigins({ annotations }: HttpRoute): OriginsSnapshot | null {
  const { allowedOrigins: allow, absentOrigin } = annotations;
  return allow === undefined ? null : { allow, absent: absentOrigin === 'allow' };
}
