/**
 * What becomes of live connections whose listener, or whose route at it, a reload removes: as these said while they stood.
 *
 * By owner (snapshot/owners.ts), which is all that an engine knows of a connection's route. Invariants: what comes back is
 * kept from then on; what shares its owner with another route that is known is never ended, and that is said; of routes
 * that are gone so many are known as an engine takes orders, and those whose connections are still to be ended. Nothing here
 * throws. Primary thread.
 */
import type { Removals } from '@sluice/shared/configuration/removals';
import type { Logger } from '@sluice/shared/log';
import { DEFAULT_REMOVAL, type RemovalSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { EngineIndex, Native } from '../engine/binding.js';
import type { ToWorker } from '../worker/messages.js';
import { EndOrders } from './end-orders.js';

/** Orders that an engine takes for owners (native/endings.h). */
const GONE_MAX = 16_384;

export interface LiveRoutesOptions {
  readonly native: Pick<Native, 'engineEndOwner' | 'engineKeepOwner'>;
  readonly engines: readonly EngineIndex[];
  /** Tells every worker. */
  readonly post: (message: ToWorker) => void;
  readonly log: Pick<Logger, 'error' | 'warn'>;
  readonly nowMs?: () => number;
  /** Routes that are gone and still known. */
  readonly goneMax?: number;
}

/** A route at a listener, with what the two said last. */
interface Attachment {
  readonly listener: string;
  readonly route: string;
  readonly owner: number;
  readonly ofRoute: RemovalSnapshot;
  ofListener: RemovalSnapshot;
  /** It has been said that its connections go on because of its owner. */
  isSaid: boolean;
}

export class LiveRoutes {
  readonly #options: LiveRoutesOptions;
  readonly #orders: EndOrders;
  readonly #goneMax: number;
  /** By listener and route. */
  #standing: ReadonlyMap<string, Attachment> = new Map();
  /** Likewise, the one that went first in front. */
  readonly #gone = new Map<string, Attachment>();

  constructor(options: LiveRoutesOptions) {
    const { native, engines, post, log, nowMs, goneMax } = options;
    this.#options = options;
    this.#goneMax = goneMax ?? GONE_MAX;
    this.#orders = new EndOrders({
      end: (...order) => native.engineEndOwner(...order),
      keep: (engine, owner) => native.engineKeepOwner(engine, owner),
      engines,
      post,
      log,
      of: 'route',
      nowMs,
    });
  }

  /** What stands from now on. */
  update(removals: Removals): void {
    const standing = attachmentsOf(removals);
    const leaving = [...this.#standing].filter(([key]) => !standing.has(key));
    for (const [key, { owner }] of standing) {
      this.#gone.delete(key);
      this.#orders.keep(owner);
    }
    this.#standing = standing;
    this.#forget(leaving.length);
    for (const [key, attachment] of leaving) this.#gone.set(key, attachment);
    if (this.#gone.size === 0) return;
    const shared = sharedOwners([...standing.values(), ...this.#gone.values()]);
    const listeners = new Map(removals.listeners.map(({ listener, policy }) => [listener, removals.policies[policy]]));
    for (const attachment of this.#gone.values()) {
      const ofListener = listeners.get(attachment.listener);
      attachment.ofListener = ofListener ?? attachment.ofListener;
      this.#end(attachment, ofListener === undefined, shared);
    }
  }

  /** Gives the orders again that are owed. To be called now and then. */
  retry(): void {
    this.#forget(0);
    this.#orders.retry();
  }

  #end(attachment: Attachment, withListener: boolean, shared: ReadonlySet<number>): void {
    const { owner, ofListener, ofRoute } = attachment;
    const removal = withListener ? ofListener : ofRoute;
    if (!shared.has(owner)) {
      this.#orders.order(owner, removal, withListener ? 'listener-removed' : 'route-removed');
      return;
    }
    this.#orders.keep(owner);
    if (removal.action === 'keep' || attachment.isSaid) return;
    attachment.isSaid = true;
    const { listener, route } = attachment;
    this.#options.log.warn(
      { listener, route, owner },
      'connections of a removed route go on: an engine cannot tell them from those of another route',
    );
  }

  /** Takes back what has been carried out longest ago, while more are gone, and `leaving` now, than are to be known. */
  #forget(leaving: number): void {
    for (const [key, { owner }] of this.#gone) {
      if (this.#gone.size + leaving <= this.#goneMax) return;
      if (this.#orders.isUnderWay(owner)) continue;
      this.#orders.keep(owner);
      this.#gone.delete(key);
    }
  }
}

function attachmentsOf({ policies, listeners }: Removals): Map<string, Attachment> {
  const attachments = new Map<string, Attachment>();
  for (const { listener, policy, routes } of listeners) {
    const ofListener = policies[policy] ?? DEFAULT_REMOVAL;
    for (const [route, owner, place] of routes) {
      const ofRoute = policies[place] ?? DEFAULT_REMOVAL;
      attachments.set(`${listener} ${route}`, { listener, route, owner, ofListener, ofRoute, isSaid: false });
    }
  }
  return attachments;
}

/** Owners of more than one. */
function sharedOwners(attachments: readonly Attachment[]): ReadonlySet<number> {
  const [once, more] = [new Set<number>(), new Set<number>()];
  for (const { owner } of attachments) (once.has(owner) ? more : once).add(owner);
  return more;
}
