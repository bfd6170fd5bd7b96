/**
 * Passive ejection: an endpoint whose connects fail is left out for a while, whatever probes say or before they do.
 *
 * `after` connects that failed in a row eject it for `timeMs`, doubled each time in a row up to `timeMaxMs`, ± 20 %.
 * After that it gets a chance: a failure ejects it again at once, a success makes everything forgotten. Workers count
 * together, on the status board. Invariant: when every worker has settled, at most half of a service's endpoints are
 * ejected, a single one never; whoever marks one too many takes its mark back. Worker thread.
 */
import type { StatusBoard } from '@sluice/shared/health/board';
import { TICK_MS } from '@sluice/shared/health/clock';
import type { EndpointSnapshot } from '../worker/messages.js';

export interface EjectionLimits {
  /** Failed connects in a row; 0: nothing is ever ejected. */
  readonly after: number;
  readonly timeMs: number;
  readonly timeMaxMs: number;
}

/** A mark that may have to be taken back. */
export interface EjectionMark {
  readonly slot: number;
  readonly untilTick: number;
}

const JITTER = 0.2;
/** Doublings that are counted: more than any limit allows. */
const DOUBLINGS_MAX = 30;

export class Ejection {
  readonly #board: StatusBoard;
  readonly #limits: EjectionLimits;
  readonly #random: () => number;

  constructor(board: StatusBoard, limits: EjectionLimits, random: () => number) {
    this.#board = board;
    this.#limits = limits;
    this.#random = random;
  }

  /**
   * A connect to the endpoint failed, by the endpoint's or the network's doing. `endpoints`: all of its service. Returns
   * for how many ms it was ejected now, 0 when it was not.
   */
  failed(endpoints: readonly EndpointSnapshot[], slot: number, nowTick: number): number {
    const mark = this.mark(slot, this.count(slot), nowTick);
    if (mark === undefined || !this.settle(endpoints, mark, nowTick)) return 0;
    return (mark.untilTick - nowTick) * TICK_MS;
  }

  /** A connect worked. Costs two loads unless something had failed before. */
  succeeded(slot: number): void {
    const { failures, ejections, ejectedUntil } = this.#board.planes;
    // A mark that came behind a success leaves its count when another worker's has taken its place.
    if (Atomics.load(failures, slot) === 0 && Atomics.load(ejections, slot) === 0) return;
    // In this order: `settle` looks at the failures last, so one of the two always clears a mark made meanwhile.
    Atomics.store(failures, slot, 0);
    Atomics.store(ejections, slot, 0);
    Atomics.store(ejectedUntil, slot, 0);
  }

  /** First step of `failed`: how many failed in a row, this one included; 0 when nobody counts. */
  count(slot: number): number {
    return this.#limits.after === 0 ? 0 : Atomics.add(this.#board.planes.failures, slot, 1) + 1;
  }

  /** Second step: marks the endpoint when it is due. One worker alone gets the mark. */
  mark(slot: number, inRow: number, nowTick: number): EjectionMark | undefined {
    if (inRow === 0) return undefined;
    const { after } = this.#limits;
    const { ejections, ejectedUntil } = this.#board.planes;
    const until = Atomics.load(ejectedUntil, slot);
    const before = Atomics.load(ejections, slot);
    if (until > nowTick || (inRow < after && before === 0)) return undefined;
    const untilTick = nowTick + this.#ticks(before);
    if (Atomics.compareExchange(ejectedUntil, slot, until, untilTick) !== until) return undefined;
    Atomics.add(ejections, slot, 1);
    return { slot, untilTick };
  }

  /** Third step: keeps the mark, or takes it back when too many are ejected or a connect has worked meanwhile. */
  settle(endpoints: readonly EndpointSnapshot[], mark: EjectionMark, nowTick: number): boolean {
    const { failures, ejections, ejectedUntil } = this.#board.planes;
    const { slot, untilTick } = mark;
    const tooMany = this.#ejected(endpoints, nowTick) > Math.floor(endpoints.length / 2);
    if (!tooMany && Atomics.load(failures, slot) > 0) return true;
    if (Atomics.compareExchange(ejectedUntil, slot, untilTick, 0) === untilTick) {
      const count = Atomics.load(ejections, slot);
      if (count > 0) Atomics.compareExchange(ejections, slot, count, count - 1);
    }
    return false;
  }

  #ejected(endpoints: readonly EndpointSnapshot[], nowTick: number): number {
    let count = 0;
    for (const { slot } of endpoints) if (Atomics.load(this.#board.planes.ejectedUntil, slot) > nowTick) count++;
    return count;
  }

  /** Length of an ejection when there were `before` in a row, at least 1. */
  #ticks(before: number): number {
    const { timeMs, timeMaxMs } = this.#limits;
    const fullMs = Math.min(timeMaxMs, timeMs * 2 ** Math.min(before, DOUBLINGS_MAX));
    const jitteredMs = fullMs * (1 - JITTER + 2 * JITTER * this.#random());
    return Math.max(1, Math.round(jitteredMs / TICK_MS));
  }
}
