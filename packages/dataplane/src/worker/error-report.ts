/**
 * Errors, reported sparingly: the first at once, then at most one line a second.
 *
 * A fault that every handshake meets must not flood the log; each line says how many were left out. Any thread.
 */
import type { MessagePort } from 'node:worker_threads';
import type { ToPrimary } from './messages.js';

const INTERVAL_MS = 1000;

/** Calls `report` with an error and the number of those before it that were left out. */
export function sparingly(report: (error: unknown, suppressed: number) => void): (error: unknown) => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  let suppressed = 0;
  return (error) => {
    const nowMs = performance.now();
    if (nowMs - lastMs < INTERVAL_MS) {
      suppressed++;
      return;
    }
    report(error, suppressed);
    lastMs = nowMs;
    suppressed = 0;
  };
}

/** Reports exceptions of single connections to the primary. */
export function createErrorReport(port: MessagePort): (error: unknown) => void {
  return sparingly((error, suppressed) => {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const message: ToPrimary = {
      type: 'log',
      level: 'error',
      message: 'handshake failed by an internal error',
      detail: { stack, suppressed },
    };
    port.postMessage(message);
  });
}
