/**
 * The memory that a worker counts handshakes in: its layout, and how the primary reads it.
 *
 * One SharedArrayBuffer a worker slot, made by the primary, written by that worker alone, lasting over its deaths: for
 * each metric group one row of Float64 cells (an aligned 8-byte store, which no 64-bit machine tears; integers are exact
 * to 2^53), then the cell of the event-loop lag. Unused rows are never touched and cost no memory. Any thread.
 */
import { GROUPS_MAX } from '@sluice/shared/snapshot/groups';

/** Answers that are counted by their own status: all that the gateway gives, and the usual ones of backends. */
export const STATUSES = [
  101, 200, 204, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 410, 413, 414, 421, 426, 429, 431, 500,
  501, 502, 503, 504, 505,
] as const;

/** Upper bounds of the histograms, seconds; one more bucket takes the rest. */
export const BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** Cells of a histogram: one a bucket (each value in one of them), the rest, the sum in ms. */
const HISTOGRAM_CELLS = BUCKETS_S.length + 2;
const STATUS_CELLS = STATUSES.length + 1;
export const CONNECT_AT = STATUS_CELLS;
export const UPGRADE_AT = CONNECT_AT + HISTOGRAM_CELLS;
export const ROW_CELLS = UPGRADE_AT + HISTOGRAM_CELLS;
/** What is counted of HTTP/2, over all groups; see metrics/http2-metrics.ts. */
export const HTTP2_COUNTS = [
  'sessions',
  'streams',
  'resets',
  'flood-resets',
  'flood-settings',
  'flood-pings',
  'flood-control',
  'flood-frames',
  'protocol',
] as const;
export type Http2Count = (typeof HTTP2_COUNTS)[number];

const HTTP2_BYTES_AT = 8 * ROW_CELLS * GROUPS_MAX;
const LAG_BYTES_AT = HTTP2_BYTES_AT + 8 * HTTP2_COUNTS.length;
const BYTES = LAG_BYTES_AT + 8;

const BUCKETS_MS = Float64Array.from(BUCKETS_S, (bound) => bound * 1000);
const STATUS_PLACES = new Uint8Array(600).fill(STATUSES.length);
STATUSES.forEach((status, place) => {
  STATUS_PLACES[status] = place;
});

export interface MeterCells {
  /** Row after row, by group. */
  readonly rows: Float64Array;
  /** In the order of HTTP2_COUNTS. */
  readonly http2: Float64Array;
  /** One cell: the longest delay of the event loop since it was last read, µs; 2^31 at most. */
  readonly lagUs: Int32Array;
}

export function createMeters(): SharedArrayBuffer {
  return new SharedArrayBuffer(BYTES);
}

/** Throws RangeError when the buffer has another size. */
export function openMeters(buffer: SharedArrayBuffer): MeterCells {
  if (buffer.byteLength !== BYTES) throw new RangeError(`meters are ${buffer.byteLength} bytes, not ${BYTES}`);
  return {
    rows: new Float64Array(buffer, 0, ROW_CELLS * GROUPS_MAX),
    http2: new Float64Array(buffer, HTTP2_BYTES_AT, HTTP2_COUNTS.length),
    lagUs: new Int32Array(buffer, LAG_BYTES_AT, 1),
  };
}

/** The cell of a status in its row; the last one takes statuses that have none of their own. */
export function statusCell(status: number): number {
  return STATUS_PLACES[status] ?? STATUSES.length;
}

/** The cell of a value in its histogram. A bucket takes its bound (`le`). */
export function bucketCell(valueMs: number): number {
  let place = 0;
  while (place < BUCKETS_MS.length && valueMs > (BUCKETS_MS[place] as number)) place++;
  return place;
}

/** The cell of the sum in a histogram. */
export const SUM_CELL = BUCKETS_S.length + 1;
