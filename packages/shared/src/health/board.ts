/**
 * The status board: one SharedArrayBuffer that the primary creates and every thread of the process reads without locks.
 *
 * Layout, all Int32: one plane of `capacity` cells for each name of `PLANES`, then one column of `capacity`
 * active-connection counts per worker (each written by its engine alone, in C). An endpoint's active count is the sum of
 * its row over all columns; a column outlives its worker, as its engine does. `status` and `since` are the primary's; the
 * other planes are written by whichever worker observed something, with Atomics. Times are ticks (clock.ts).
 */

/** What the board says of an endpoint. Only `unknown` and `healthy` endpoints get new connections. */
export const EndpointStatus = { unknown: 0, healthy: 1, unhealthy: 2, draining: 3, removed: 4 } as const;
export type EndpointStatus = (typeof EndpointStatus)[keyof typeof EndpointStatus];

/**
 * - `status`: EndpointStatus;
 * - `since`: tick at which the endpoint became usable, where slow start counts from; 0: not in slow start;
 * - `failures`: connects that failed in a row;
 * - `ejections`: passive ejections in a row; `ejectedUntil`: tick until which it is left out, 0 for not;
 * - `load`: bits of a float32, the weight that its load reports give it; `loadSince`, `loadAt`: ticks of the first report
 *   of an unbroken series, and of the last one; 0 for none.
 */
export const PLANES = [
  'status',
  'since',
  'failures',
  'ejections',
  'ejectedUntil',
  'load',
  'loadSince',
  'loadAt',
] as const;
export type Plane = (typeof PLANES)[number];

export interface StatusBoard {
  readonly buffer: SharedArrayBuffer;
  /** Endpoint slots; fixed when the board is made. */
  readonly capacity: number;
  readonly columns: number;
  /** Cells of a plane, by slot. Read and write them with Atomics. */
  readonly planes: Readonly<Record<Plane, Int32Array>>;
  status(slot: number): EndpointStatus;
  setStatus(slot: number, status: EndpointStatus): void;
  /** Connections to the endpoint that are open now, over all workers. */
  active(slot: number): number;
  /** The column that the engine of worker `worker` counts in. */
  column(worker: number): Int32Array;
}

/** Bytes of a board. */
export function boardBytes(capacity: number, columns: number): number {
  return 4 * capacity * (PLANES.length + columns);
}

/** Whether a status lets an endpoint have new connections. */
export function isUsable(status: EndpointStatus): boolean {
  return status <= EndpointStatus.healthy;
}

/** A view on a board, in any thread. Throws RangeError when the buffer has another size. */
export function openBoard(buffer: SharedArrayBuffer, capacity: number, columns: number): StatusBoard {
  if (buffer.byteLength !== boardBytes(capacity, columns)) {
    throw new RangeError(
      `status board is ${buffer.byteLength} bytes, not ${boardBytes(capacity, columns)} for ${capacity} slots`,
    );
  }
  const block = (index: number): Int32Array => new Int32Array(buffer, 4 * capacity * index, capacity);
  const planes = Object.fromEntries(PLANES.map((plane, index) => [plane, block(index)])) as Record<Plane, Int32Array>;
  const counts = Array.from({ length: columns }, (_, worker) => block(PLANES.length + worker));
  return {
    buffer,
    capacity,
    columns,
    planes,
    status: (slot) => Atomics.load(planes.status, slot) as EndpointStatus,
    setStatus: (slot, status) => {
      Atomics.store(planes.status, slot, status);
    },
    active: (slot) => {
      let sum = 0;
      for (const column of counts) sum += Atomics.load(column, slot);
      return sum;
    },
    column: (worker) => {
      const column = counts[worker];
      if (column === undefined) throw new RangeError(`the status board has no column ${worker}`);
      return column;
    },
  };
}

/** A new board with every endpoint unknown and every count 0. */
export function createBoard(capacity: number, columns: number): StatusBoard {
  return openBoard(new SharedArrayBuffer(boardBytes(capacity, columns)), capacity, columns);
}
