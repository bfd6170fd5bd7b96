/**
 * Orders to the engines to end the connections of something, given by number: an endpoint's slot, or an owner; and to the
 * workers, to end its plain requests that are under way.
 *
 * Invariants: the same action for another reason (unhealthy, then removed) goes on as it has begun, and closing is not
 * turned into a drain: a deadline is not put off. An engine has room for a bounded number of orders; one that it does not
 * take is owed, and given again by `retry` until it is taken or void. Nothing here throws. Primary thread.
 */
import type { Logger } from '@sluice/shared/log';
import type { LiveAction, RemovalSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { EngineIndex } from '../engine/binding.js';
import type { EndedKind, ToWorker } from '../worker/messages.js';

/** How long after its last moment an order may still have a connection to end: one that waited, or is spliced late. */
const LATE_MS = 60_000;

/** What is done about a number. */
interface Ending {
  readonly action: Exclude<LiveAction, 'keep'>;
  /** Moment (performance.now) at which the last connection ends. */
  lastMs: number;
}

/** What an engine is told about a number. */
interface Order {
  readonly engine: EngineIndex;
  readonly reason: string;
  /** Moment (performance.now) at which the first connection ends. */
  readonly firstMs: number;
  readonly windowMs: number;
}

export interface EndOrdersOptions {
  /** Throws when the engine has no room. */
  readonly end: (engine: EngineIndex, number: number, reason: string, afterMs: number, windowMs: number) => void;
  readonly keep: (engine: EngineIndex, number: number) => void;
  readonly engines: readonly EngineIndex[];
  /** Tells every worker. */
  readonly post: (message: ToWorker) => void;
  readonly log: Pick<Logger, 'error'>;
  /** Whose connections are ended. */
  readonly of: EndedKind;
  readonly nowMs?: (() => number) | undefined;
}

export class EndOrders {
  readonly #options: EndOrdersOptions;
  readonly #nowMs: () => number;
  /** What is done; what is not here is kept. */
  readonly #ending = new Map<number, Ending>();
  /** Orders that their engine has not taken yet. */
  readonly #owed = new Map<number, readonly Order[]>();

  constructor(options: EndOrdersOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** The connections of this number, and those that come to it, end as the policy says, or go on. */
  order(number: number, { action, drainDeadlineMs, closeWindowMs }: RemovalSnapshot, reason: string): void {
    if (action === 'keep') {
      this.keep(number);
      return;
    }
    const before = this.#ending.get(number)?.action;
    if (before === action || before === 'close') return;
    const firstMs = this.#nowMs() + (action === 'drain' ? drainDeadlineMs : 0);
    this.#ending.set(number, { action, lastMs: firstMs + closeWindowMs });
    const orders = this.#options.engines.map((engine) => ({ engine, reason, firstMs, windowMs: closeWindowMs }));
    this.#give(number, orders);
    const { of, post } = this.#options;
    const afterMs = action === 'drain' ? drainDeadlineMs : 0;
    post({ type: 'end', of, number, reason, afterMs, windowMs: closeWindowMs });
  }

  /** They go on; also when the number comes to stand for something else. */
  keep(number: number): void {
    this.#owed.delete(number);
    if (!this.#ending.delete(number)) return;
    for (const engine of this.#options.engines) this.#options.keep(engine, number);
    this.#options.post({ type: 'keep', of: this.#options.of, number });
  }

  /** Whether connections of this number are still to be ended. */
  isUnderWay(number: number): boolean {
    const ending = this.#ending.get(number);
    return ending !== undefined && (this.#owed.has(number) || this.#nowMs() < ending.lastMs + LATE_MS);
  }

  /** Gives the orders again that are owed. To be called now and then. */
  retry(): void {
    const full = new Set<EngineIndex>();
    for (const [number, orders] of [...this.#owed]) this.#give(number, orders, full);
  }

  /** `full`: engines that have no room now; those found to be are added. */
  #give(number: number, orders: readonly Order[], full = new Set<EngineIndex>()): void {
    const first = this.#owed.size === 0;
    const left = orders.filter((order) => full.has(order.engine) || !this.#taken(number, order, first));
    for (const { engine } of left) full.add(engine);
    if (left.length === 0) this.#owed.delete(number);
    else this.#owed.set(number, left);
  }

  /** `first`: none is owed yet, so this is the moment to say so. */
  #taken(number: number, { engine, reason, firstMs, windowMs }: Order, first: boolean): boolean {
    const { end, log, of } = this.#options;
    const afterMs = Math.max(0, Math.round(firstMs - this.#nowMs()));
    try {
      end(engine, number, reason, afterMs, windowMs);
      this.#noteTaken(number, afterMs + windowMs);
      return true;
    } catch (error) {
      const message = `an engine has no room to end the connections of one more ${of}; it is asked again`;
      if (first) log.error({ err: error, engine, reason }, message);
      return false;
    }
  }

  /** An order that was owed has its window from when it is taken. */
  #noteTaken(number: number, leftMs: number): void {
    const ending = this.#ending.get(number);
    if (ending !== undefined) ending.lastMs = Math.max(ending.lastMs, this.#nowMs() + leftMs);
  }
}
