/**
 * What becomes of the live connections of an endpoint that is no longer usable, as its service's policy says.
 *
 * The engines do it, each for its own connections; here is only what they have been told, by slot. The same action for
 * another reason (unhealthy, then removed) goes on as it has begun, and closing is not turned into a drain: a deadline is
 * not put off. An engine has room for a
 * bounded number of orders; one that it does not take is owed, and given again by `retry` until it is taken or void.
 * Nothing here throws. Primary thread.
 */
import { EndpointStatus } from '@sluice/shared/health/board';
import type { Logger } from '@sluice/shared/log';
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

/** What an engine is told about a slot. */
interface Order {
  readonly engine: EngineIndex;
  readonly slot: number;
  readonly reason: string;
  /** Moment (performance.now) at which the first connection ends. */
  readonly firstMs: number;
  readonly windowMs: number;
}

export interface LiveConnectionsOptions {
  readonly native: Pick<Native, 'engineEndEndpoint' | 'engineKeepEndpoint'>;
  readonly engines: readonly EngineIndex[];
  readonly log: Pick<Logger, 'error'>;
  readonly nowMs?: () => number;
}

export class LiveConnections {
  readonly #options: LiveConnectionsOptions;
  readonly #nowMs: () => number;
  /** What is done to slots; a slot that is not here is kept. */
  readonly #ending = new Map<number, Exclude<LiveAction, 'keep'>>();
  /** Orders that their engine has not taken yet, by slot. */
  readonly #owed = new Map<number, readonly Order[]>();

  constructor(options: LiveConnectionsOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  onStatus(slot: number, status: EndpointStatus, policy: LiveConnectionsSnapshot): void {
    const action = actionFor(status, policy);
    if (action === 'keep') {
      this.forget(slot);
      return;
    }
    const before = this.#ending.get(slot);
    if (before === action || before === 'close') return;
    this.#ending.set(slot, action);
    const reason = REASONS[status] ?? 'endpoint-removed';
    const firstMs = this.#nowMs() + (action === 'drain' ? policy.drainDeadlineMs : 0);
    const windowMs = policy.closeWindowMs;
    this.#give(
      slot,
      this.#options.engines.map((engine) => ({ engine, slot, reason, firstMs, windowMs })),
    );
  }

  /** The connections of this slot go on; also when it gets another endpoint. */
  forget(slot: number): void {
    this.#owed.delete(slot);
    if (!this.#ending.delete(slot)) return;
    for (const engine of this.#options.engines) this.#options.native.engineKeepEndpoint(engine, slot);
  }

  /** Gives the orders again that are owed. To be called now and then. */
  retry(): void {
    const full = new Set<EngineIndex>();
    for (const [slot, orders] of [...this.#owed]) this.#give(slot, orders, full);
  }

  /** `full`: engines that have no room now; those found to be are added. */
  #give(slot: number, orders: readonly Order[], full = new Set<EngineIndex>()): void {
    const first = this.#owed.size === 0;
    const left = orders.filter((order) => full.has(order.engine) || !this.#taken(order, first));
    for (const { engine } of left) full.add(engine);
    if (left.length === 0) this.#owed.delete(slot);
    else this.#owed.set(slot, left);
  }

  /** `first`: none is owed yet, so this is the moment to say so. */
  #taken({ engine, slot, reason, firstMs, windowMs }: Order, first: boolean): boolean {
    const afterMs = Math.max(0, Math.round(firstMs - this.#nowMs()));
    try {
      this.#options.native.engineEndEndpoint(engine, slot, reason, afterMs, windowMs);
      return true;
    } catch (error) {
      const message = 'an engine has no room to end the connections of one more endpoint; it is asked again';
      if (first) this.#options.log.error({ err: error, engine, reason }, message);
      return false;
    }
  }
}
