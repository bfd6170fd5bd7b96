/**
 * What becomes of live connections when their route or listener is removed: the annotations of the route or the Gateway.
 *
 * Pure.
 */
import type { Gateway, HttpRoute } from '../resources/resource.js';
import { DEFAULT_REMOVAL, type RemovalSnapshot } from './service-policy.js';

export function compileRemoval({ annotations }: HttpRoute | Gateway): RemovalSnapshot {
  return {
    action: annotations.liveConnections ?? DEFAULT_REMOVAL.action,
    drainDeadlineMs: annotations.drainDeadlineMs ?? DEFAULT_REMOVAL.drainDeadlineMs,
    closeWindowMs: annotations.closeWindowMs ?? DEFAULT_REMOVAL.closeWindowMs,
  };
}
