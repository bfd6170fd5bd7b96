/**
 * The drain: no new connection, then the open ones go on until they end or the drain timeout is over, then they are
 * closed.
 *
 * `drainPhase` is the whole decision, a function of its arguments; `drain` carries it out. Primary thread.
 */
import type { EngineIndex, Native } from '../engine/binding.js';
import { openConnections } from './engines.js';

/** `waiting`: connections go on; `closing`: they have been told to end; `done`: none is left, or we no longer wait. */
export type DrainPhase = 'waiting' | 'closing' | 'done';

export const POLL_MS = 50;
export const CLOSING_POLL_MS = 20;
/** How long the engines get, in all, to end the connections that are left. */
export const CLOSING_MAX_MS = 10_000;
/** Without one connection less for so long, nothing more is expected: engines wait 2 s for room in the access log. */
export const CLOSING_STALL_MS = 3000;

/** The phase at `elapsedMs` since the drain began, with `open` connections, the last of which ended `stalledMs` ago. */
export function drainPhase(elapsedMs: number, open: number, stalledMs: number, timeoutMs: number): DrainPhase {
  if (open === 0) return 'done';
  if (elapsedMs < timeoutMs) return 'waiting';
  const closingMs = elapsedMs - timeoutMs;
  return closingMs < CLOSING_MAX_MS && Math.min(stalledMs, closingMs) < CLOSING_STALL_MS ? 'closing' : 'done';
}

export interface DrainOptions {
  readonly native: Native;
  readonly engines: readonly EngineIndex[];
  readonly timeoutMs: number;
  /** Told once, when the connections that are left begin to be closed. */
  readonly onClosing: () => void;
}

/** Drains; resolves with the number of connections that are still open. */
export function drain({ native, engines, timeoutMs, onClosing }: DrainOptions): Promise<number> {
  native.acceptClose();
  const beganMs = performance.now();
  let [least, leastAtMs, closing] = [Number.POSITIVE_INFINITY, beganMs, false];
  const close = (): void => {
    closing = true;
    onClosing();
    for (const engine of engines) native.engineCloseAll(engine, 'drain-timeout');
  };
  return new Promise((resolve) => {
    const step = (): void => {
      const nowMs = performance.now();
      const open = openConnections(native, engines);
      if (open < least) [least, leastAtMs] = [open, nowMs];
      const phase = drainPhase(nowMs - beganMs, open, nowMs - leastAtMs, timeoutMs);
      if (phase === 'closing' && !closing) close();
      if (phase === 'done') resolve(open);
      else setTimeout(step, closing ? CLOSING_POLL_MS : POLL_MS);
    };
    step();
  });
}
