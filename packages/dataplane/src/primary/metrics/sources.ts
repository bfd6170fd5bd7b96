/** What the metrics of the data plane are read from; all of it is there for other reasons. Primary thread. */
import type { StatusBoard } from '@sluice/shared/health/board';
import type { EngineIndex, Native } from '../../engine/binding.js';
import type { HealthView } from '../health-view.js';
import type { Reload } from '../reload.js';
import type { MeterMemory } from './memory.js';

export interface MetricsSources {
  readonly version: string;
  readonly native: Native;
  readonly engines: readonly EngineIndex[];
  readonly memory: MeterMemory;
  /** Workers that are alive or about to be. */
  readonly workers: { watched(): readonly { readonly live: boolean }[] };
  readonly health: HealthView;
  readonly board: Pick<StatusBoard, 'active' | 'planes'>;
  /** What came of reading the configuration again. */
  readonly reload: Pick<Reload, 'counts' | 'last' | 'version' | 'page'>;
  /** Access-log records that could not be written to their file or pipe. */
  readonly logWriteLosses: () => number;
  /** One cell: the longest delay of the primary's event loop since it was last read, µs. */
  readonly primaryLagUs: Int32Array;
}
