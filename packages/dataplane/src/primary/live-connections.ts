/**
 * What becomes of the live connections of an endpoint that is no longer usable, as its service's policy says.
 *
 * The engines do it, each for its own connections, by slot of the status board. Nothing here throws. Primary thread.
 */
import { EndpointStatus } from '@sluice/shared/health/board';
import type { Logger } from '@sluice/shared/log';
import type { LiveAction, LiveConnectionsSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { EngineIndex, Native } from '../engine/binding.js';
import type { ToWorker } from '../worker/messages.js';
import { EndOrders } from './end-orders.js';

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

export interface LiveConnectionsOptions {
  readonly native: Pick<Native, 'engineEndEndpoint' | 'engineKeepEndpoint'>;
  readonly engines: readonly EngineIndex[];
  /** Tells every worker. */
  readonly post: (message: ToWorker) => void;
  readonly log: Pick<Logger, 'error'>;
  readonly nowMs?: () => number;
}

export class LiveConnections {
  readonly #orders: EndOrders;

  constructor({ native, engines, post, log, nowMs }: LiveConnectionsOptions) {
    this.#orders = new EndOrders({
      end: (...order) => native.engineEndEndpoint(...order),
      keep: (engine, slot) => native.engineKeepEndpoint(engine, slot),
      engines,
      post,
      log,
      of: 'endpoint',
      nowMs,
    });
  }

  onStatus(slot: number, status: EndpointStatus, policy: LiveConnectionsSnapshot): void {
    const { drainDeadlineMs, closeWindowMs } = policy;
    const removal = { action: actionFor(status, policy), drainDeadlineMs, closeWindowMs };
    this.#orders.order(slot, removal, REASONS[status] ?? 'endpoint-removed');
  }

  /** The connections of this slot go on; also when it gets another endpoint. */
  forget(slot: number): void {
    this.#orders.keep(slot);
  }

  /** Gives the orders again that are owed. To be called now and then. */
  retry(): void {
    this.#orders.retry();
  }
}
