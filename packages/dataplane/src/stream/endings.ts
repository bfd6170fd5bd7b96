/**
 * Orders that end plain requests under way: of an endpoint that is not usable any more, of a route that is gone; as the
 * engines end spliced connections (primary/end-orders.ts).
 *
 * Invariant: an order is for the requests that are under way when it comes (none goes to such an endpoint or route
 * afterwards), and for none that is over. Each ends at a moment of its own, so that clients do not come back together.
 * Worker thread.
 */
import type { EndedKind, ToWorker } from '../worker/messages.js';

type EndOrder = Omit<Extract<ToWorker, { type: 'end' }>, 'type'>;
type KeepOrder = Omit<Extract<ToWorker, { type: 'keep' }>, 'type'>;

/** A request that is under way. */
interface Held {
  readonly end: (reason: string) => void;
  readonly timers: Partial<Record<EndedKind, NodeJS.Timeout>>;
}

/** By number. */
type Holding = Map<number, Set<Held>>;

export class Endings {
  readonly #holding: Readonly<Record<EndedKind, Holding>> = { endpoint: new Map(), route: new Map() };
  readonly #random: () => number;

  /** `random`: from 0 up to, not including, 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** From now on orders for these numbers end the request, with their reason, until what is returned is called. */
  hold(endpoint: number, route: number, end: (reason: string) => void): () => void {
    const { endpoint: byEndpoint, route: byRoute } = this.#holding;
    const held: Held = { end, timers: {} };
    enter(byEndpoint, endpoint, held);
    enter(byRoute, route, held);
    return () => {
      leave(byEndpoint, endpoint, held);
      leave(byRoute, route, held);
      clearTimeout(held.timers.endpoint);
      clearTimeout(held.timers.route);
    };
  }

  end({ of, number, reason, afterMs, windowMs }: EndOrder): void {
    for (const { end, timers } of this.#holding[of].get(number) ?? []) {
      clearTimeout(timers[of]);
      timers[of] = setTimeout(() => end(reason), afterMs + this.#random() * windowMs);
    }
  }

  keep({ of, number }: KeepOrder): void {
    for (const { timers } of this.#holding[of].get(number) ?? []) clearTimeout(timers[of]);
  }
}

function enter(holding: Holding, number: number, held: Held): void {
  const all = holding.get(number);
  if (all === undefined) holding.set(number, new Set([held]));
  else all.add(held);
}

function leave(holding: Holding, number: number, held: Held): void {
  const all = holding.get(number);
  all?.delete(held);
  if (all?.size === 0) holding.delete(number);
}
