/**
 * What becomes of the live connections of an endpoint that is no longer usable, as its service's policy says.
 *
 * The engines do it, each for its own connections; here is only what they have been told, by slot. The same action for
 * another reason (unhealthy, then removed) goes on as it has begun: a deadline is not put off. Primary thread.
 */
import { EndpointStatus } from '@sluice/shared/health/board';
import type { LiveAction, LiveConnectionsSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { EngineIndex, Native } from '../engine/binding.js';

/** The close reasons of connections that are ended because of their endpoint. */
const REASONS: Partial<Record<EndpointStatus, string>> = {
  [EndpointStatus.unhealthy]: 'endpoint-unhealthy',
  [EndpointStatus.draining]: 'endpoint-draining',
  [EndpointStatus.removed]: 'endpoint-removed',
};

function actionFor(status: EndpointStatus, policy: LiveConnectionsSnapshot): LiveAction {
  if (status === EndpointStatus.unhealthy) return policy.unhealthy;
  if (status === EndpointStatus.draining) return policy.draining;
  return status === EndpointStatus.removed ? policy.removed : 'keep';
}

export class LiveConnections {
  readonly #native: Pick<Native, 'engineEndEndpoint' | 'engineKeepEndpoint'>;
  readonly #engines: readonly EngineIndex[];
  /** What engines do to slots; a slot that is not here is kept. */
  readonly #ending = new Map<number, Exclude<LiveAction, 'keep'>>();

  constructor(native: Pick<Native, 'engineEndEndpoint' | 'engineKeepEndpoint'>, engines: readonly EngineIndex[]) {
    this.#native = native;
    this.#engines = engines;
  }

  onStatus(slot: number, status: EndpointStatus, policy: LiveConnectionsSnapshot): void {
    const action = actionFor(status, policy);
    if (action === 'keep') {
      this.forget(slot);
      return;
    }
    if (this.#ending.get(slot) === action) return;
    this.#ending.set(slot, action);
    const afterMs = action === 'drain' ? policy.drainDeadlineMs : 0;
    const reason = REASONS[status] ?? 'endpoint-removed';
    for (const engine of this.#engines) {
      this.#native.engineEndEndpoint(engine, slot, reason, afterMs, policy.closeWindowMs);
    }
  }

  /** The connections of this slot go on; also when it gets another endpoint. */
  forget(slot: number): void {
    if (!this.#ending.delete(slot)) return;
    for (const engine of this.#engines) this.#native.engineKeepEndpoint(engine, slot);
  }
}
