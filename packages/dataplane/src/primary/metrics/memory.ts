/**
 * The memory that engines and workers count in: made once, before any of them runs, and read at every scrape.
 *
 * Invariant: it outlives every worker, and a number has one writer at a time: an engine's cells the thread that drives
 * the engine, a worker's meters the worker in that slot. Primary thread.
 */

import { GROUPS_MAX, type GroupAssignment } from '@sluice/shared/snapshot/groups';
import type { SnapshotView } from '@sluice/shared/snapshot/view';
import { type EngineIndex, METER_FIELDS, type Native } from '../../engine/binding.js';
import { createMeters, type MeterCells, openMeters } from '../../worker/meter-cells.js';

export class MeterMemory {
  readonly closeReasons: readonly string[];
  /** Cells of each engine: for each group `METER_FIELDS`, then one a close reason. */
  readonly engines: readonly BigUint64Array[];
  readonly workers: readonly MeterCells[];
  readonly #buffers: readonly SharedArrayBuffer[];
  readonly #lives: number[];
  #groups: GroupAssignment = [];

  constructor(
    native: Pick<Native, 'closeReasons' | 'engineSetMeters'>,
    engines: readonly EngineIndex[],
    configuration: Pick<SnapshotView, 'groups'>,
  ) {
    this.update(configuration);
    this.closeReasons = native.closeReasons();
    const bytes = 8 * this.engineRow * GROUPS_MAX;
    this.engines = engines.map((engine) => {
      const cells = new BigUint64Array(new SharedArrayBuffer(bytes));
      native.engineSetMeters(engine, cells);
      return cells;
    });
    this.#buffers = engines.map(createMeters);
    this.workers = this.#buffers.map(openMeters);
    this.#lives = engines.map(() => 0);
  }

  /** Labels by group number. */
  get groups(): GroupAssignment {
    return this.#groups;
  }

  /** Another configuration: groups that there were are the same ones. */
  update({ groups }: Pick<SnapshotView, 'groups'>): void {
    const known = this.#groups;
    this.#groups = groups.map((labels, number) => known[number] ?? labels);
  }

  /** Cells of a group in an engine's memory. */
  get engineRow(): number {
    return METER_FIELDS.length + this.closeReasons.length;
  }

  /** The meters of a worker whose life begins now. */
  begin(worker: number): SharedArrayBuffer {
    this.#lives[worker] = (this.#lives[worker] ?? 0) + 1;
    return this.#buffers[worker] as SharedArrayBuffer;
  }

  /** Lives after the first, by worker. */
  restarts(): readonly number[] {
    return this.#lives.map((lives) => Math.max(0, lives - 1));
  }
}
