/**
 * What a worker counts about handshakes, in memory that the primary reads at a scrape: no message, no allocation.
 *
 * Every number has one writer, the worker in this slot, and outlives it: the successor goes on where it stopped. Worker
 * thread.
 */
import {
  bucketCell,
  CONNECT_AT,
  HTTP2_COUNTS,
  type Http2Count,
  openMeters,
  ROW_CELLS,
  SUM_CELL,
  statusCell,
  UPGRADE_AT,
} from './meter-cells.js';

/** `group`: the number of a metric group (`SnapshotView.group`), also the engine's. */
export interface HandshakeMeters {
  /** The final status that a client got for a handshake. */
  answered(group: number, status: number): void;
  /** A backend took the connection after so long. */
  connected(group: number, connectMs: number): void;
  /** The client got its 101 so long after its request was complete. */
  upgraded(group: number, elapsedMs: number): void;
  http2(count: Http2Count): void;
}

/** Meters of one slot. `buffer`: from `createMeters`. */
export function createHandshakeMeters(buffer: SharedArrayBuffer): HandshakeMeters {
  const { rows, http2 } = openMeters(buffer);
  const add = (cell: number, value: number): void => {
    rows[cell] = (rows[cell] as number) + value;
  };
  const observe = (histogram: number, ms: number): void => {
    const value = Math.max(0, ms);
    add(histogram + bucketCell(value), 1);
    add(histogram + SUM_CELL, value);
  };
  return {
    answered: (group, status) => add(group * ROW_CELLS + statusCell(status), 1),
    connected: (group, connectMs) => observe(group * ROW_CELLS + CONNECT_AT, connectMs),
    http2: (count) => {
      const place = HTTP2_COUNTS.indexOf(count);
      http2[place] = (http2[place] as number) + 1;
    },
    upgraded: (group, elapsedMs) => observe(group * ROW_CELLS + UPGRADE_AT, elapsedMs),
  };
}

const LAG_INTERVAL_MS = 500;
const LAG_MAX_US = 0x7fff_ffff;

/**
 * Notes in its one cell how late a timer of this thread comes, twice a second: the longest delay in µs since the primary
 * last read it. Returns what ends it.
 */
export function watchLag(lagUs: Int32Array): () => void {
  let dueMs = performance.now() + LAG_INTERVAL_MS;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const late = Math.min(LAG_MAX_US, Math.max(0, Math.round((nowMs - dueMs) * 1000)));
    if (late > Atomics.load(lagUs, 0)) Atomics.store(lagUs, 0, late);
    dueMs = nowMs + LAG_INTERVAL_MS;
  }, LAG_INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
