/**
 * The endpoints of one service as one choice looks at them: which of them may be chosen at this moment.
 *
 * Invariant: status and ejection are read from the board each time, so a retry sees what has changed since the first
 * attempt. One object for all choices of a worker: a choice allocates nothing. Worker thread.
 */
import { EndpointStatus, type StatusBoard } from '@sluice/shared/health/board';
import type { EndpointSnapshot } from '../../worker/messages.js';

const NONE: readonly never[] = [];

export class Candidates {
  readonly board: StatusBoard;
  /** Positions in this list are what strategies choose; replaced whole when the membership changes. */
  endpoints: readonly EndpointSnapshot[] = NONE;
  /** Tick (clock.ts) of this choice. */
  nowTick = 0;
  #tried: readonly number[] = NONE;
  #withEjected = false;
  readonly #status: Int32Array;
  readonly #ejectedUntil: Int32Array;

  constructor(board: StatusBoard) {
    this.board = board;
    this.#status = board.planes.status;
    this.#ejectedUntil = board.planes.ejectedUntil;
  }

  /** Begins a choice. `tried`: slots that must not be chosen. */
  begin(endpoints: readonly EndpointSnapshot[], tried: readonly number[], nowTick: number): void {
    this.endpoints = endpoints;
    this.nowTick = nowTick;
    this.#tried = tried;
    this.#withEjected = false;
  }

  /**
   * Ejected endpoints count as well from now on, for when there is nothing else: to be ejected is a guess from failed
   * connects, and a guess is better than a certain 503. Endpoints that a probe found unhealthy stay out.
   */
  admitEjected(): void {
    this.#withEjected = true;
  }

  /** Whether the endpoint at this position may be chosen. */
  eligible(at: number): boolean {
    const { slot } = this.endpoints[at] as EndpointSnapshot;
    if (Atomics.load(this.#status, slot) > EndpointStatus.healthy) return false;
    const until = Atomics.load(this.#ejectedUntil, slot);
    if (until !== 0 && until > this.nowTick && !this.#withEjected) return false;
    return this.#tried.length === 0 || !this.#tried.includes(slot);
  }

  /** Whether any endpoint may be chosen. */
  any(): boolean {
    for (let at = 0; at < this.endpoints.length; at++) if (this.eligible(at)) return true;
    return false;
  }

  /** Status-board slot of the endpoint at this position. */
  slot(at: number): number {
    return (this.endpoints[at] as EndpointSnapshot).slot;
  }
}
