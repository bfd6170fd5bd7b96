/**
 * What becomes of live connections whose listener, or whose route at it, a reload removes: as these said while they stood.
 *
 * By metric group, because a group is what an engine knows of a connection's listener and route. Group 0 is of everything
 * that found no group of its own, so its connections are never ended. What comes back is kept from then on. Nothing here
 * throws. Primary thread.
 */
import type { GroupRemoval } from '@sluice/shared/configuration/removals';
import type { Logger } from '@sluice/shared/log';
import { OTHER_GROUP } from '@sluice/shared/snapshot/groups';
import { DEFAULT_REMOVAL, type RemovalSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { EngineIndex, Native } from '../engine/binding.js';
import { EndOrders } from './end-orders.js';

export interface LiveRoutesOptions {
  readonly native: Pick<Native, 'engineEndGroup' | 'engineKeepGroup'>;
  readonly engines: readonly EngineIndex[];
  readonly log: Pick<Logger, 'error'>;
  readonly nowMs?: () => number;
}

export class LiveRoutes {
  readonly #orders: EndOrders;
  /** What each group's listener and route said last, by group. */
  readonly #said: { listener: RemovalSnapshot; route: RemovalSnapshot }[] = [];

  constructor({ native, engines, log, nowMs }: LiveRoutesOptions) {
    this.#orders = new EndOrders({
      end: (...order) => native.engineEndGroup(...order),
      keep: (engine, group) => native.engineKeepGroup(engine, group),
      engines,
      log,
      of: 'route',
      nowMs,
    });
  }

  /** The configuration from now on, by group. */
  update(removals: readonly GroupRemoval[]): void {
    for (const [group, { listener, route }] of removals.entries()) {
      if (group === OTHER_GROUP) continue;
      const said = this.#said[group] ?? { listener: DEFAULT_REMOVAL, route: DEFAULT_REMOVAL };
      if (listener === null) this.#orders.order(group, said.listener, 'listener-removed');
      else if (route === null) this.#orders.order(group, said.route, 'route-removed');
      else this.#orders.keep(group);
      this.#said[group] = { listener: listener ?? said.listener, route: route ?? said.route };
    }
  }

  /** Gives the orders again that are owed. To be called now and then. */
  retry(): void {
    this.#orders.retry();
  }
}
