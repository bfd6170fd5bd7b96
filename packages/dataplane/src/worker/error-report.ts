/**
 * Exceptions of single connections, reported to the primary: the first at once, then at most one line a second.
 *
 * A fault that every handshake meets must not flood the log; each line says how many were left out. Worker thread.
 */
import type { MessagePort } from 'node:worker_threads';
import type { ToPrimary } from './messages.js';

const INTERVAL_MS = 1000;

export function createErrorReport(port: MessagePort): (error: unknown) => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  let suppressed = 0;
  return (error) => {
    const nowMs = performance.now();
    if (nowMs - lastMs < INTERVAL_MS) {
      suppressed++;
      return;
    }
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const message: ToPrimary = {
      type: 'log',
      level: 'error',
      message: 'handshake failed by an internal error',
      detail: { stack, suppressed },
    };
    port.postMessage(message);
    lastMs = nowMs;
    suppressed = 0;
  };
}
