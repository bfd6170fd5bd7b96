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
/** How long the engines get to end the connections that are left. */
export const CLOSING_MS = 1000;

/** The phase at `elapsedMs` since the drain began, with `open` connections. */
export function drainPhase(elapsedMs: number, open: number, timeoutMs: number): DrainPhase {
  if (open === 0) return 'done';
  if (elapsedMs < timeoutMs) return 'waiting';
  return elapsedMs < timeoutMs + CLOSING_MS ? 'closing' : 'done';
}

/** Drains; resolves with the number of connections that are still open. */
export function drain(native: Native, engines: readonly EngineIndex[], timeoutMs: number): Promise<number> {
  native.acceptClose();
  const beganMs = performance.now();
  let closing = false;
  return new Promise((resolve) => {
    const step = (): void => {
      const open = openConnections(native, engines);
      const phase = drainPhase(performance.now() - beganMs, open, timeoutMs);
      if (phase === 'closing' && !closing) for (const engine of engines) native.engineCloseAll(engine, 'drain-timeout');
      closing ||= phase === 'closing';
      if (phase === 'done') resolve(open);
      else setTimeout(step, POLL_MS);
    };
    step();
  });
}
