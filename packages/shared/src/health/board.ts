/**
 * The status board: one SharedArrayBuffer that the primary creates and every worker reads without locks.
 *
 * Layout, all Int32: `capacity` status cells (written by the primary), then one column of `capacity` active-connection
 * counts per worker (each written by its engine alone, in C). An endpoint's active count is the sum of its row over all
 * columns; a column outlives its worker, as its engine does.
 */

/** Endpoint status as the board holds it. `unknown` endpoints are usable. */
export const EndpointStatus = { unknown: 0, healthy: 1, unhealthy: 2 } as const;
export type EndpointStatus = (typeof EndpointStatus)[keyof typeof EndpointStatus];

export interface StatusBoard {
  readonly buffer: SharedArrayBuffer;
  /** Endpoint slots; fixed when the board is made. */
  readonly capacity: number;
  readonly columns: number;
  status(slot: number): EndpointStatus;
  setStatus(slot: number, status: EndpointStatus): void;
  /** Connections to the endpoint that are open now, over all workers. */
  active(slot: number): number;
  /** The column that the engine of worker `worker` counts in. */
  column(worker: number): Int32Array;
}

/** Bytes of a board. */
export function boardBytes(capacity: number, columns: number): number {
  return 4 * capacity * (1 + columns);
}

/** A view on a board, in any thread. Throws RangeError when the buffer has another size. */
export function openBoard(buffer: SharedArrayBuffer, capacity: number, columns: number): StatusBoard {
  if (buffer.byteLength !== boardBytes(capacity, columns)) {
    throw new RangeError(
      `status board is ${buffer.byteLength} bytes, not ${boardBytes(capacity, columns)} for ${capacity} slots`,
    );
  }
  const cells = new Int32Array(buffer);
  return {
    buffer,
    capacity,
    columns,
    status: (slot) => Atomics.load(cells, slot) as EndpointStatus,
    setStatus: (slot, status) => {
      Atomics.store(cells, slot, status);
    },
    active: (slot) => {
      let sum = 0;
      for (let column = 1; column <= columns; column++) sum += Atomics.load(cells, column * capacity + slot);
      return sum;
    },
    column: (worker) => new Int32Array(buffer, 4 * capacity * (1 + worker), capacity),
  };
}

/** A new board with every endpoint unknown and every count 0. */
export function createBoard(capacity: number, columns: number): StatusBoard {
  return openBoard(new SharedArrayBuffer(boardBytes(capacity, columns)), capacity, columns);
}
