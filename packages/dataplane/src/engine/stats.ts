/**
 * The numbers of an engine as an object, read from any thread.
 *
 * One Float64Array serves every call of a thread: reading allocates nothing but the result.
 */
import { type EngineIndex, type EngineStats, type Native, STAT_NAMES } from './binding.js';

const numbers = new Float64Array(STAT_NAMES.length);

export function readStats(native: Native, engine: EngineIndex): EngineStats {
  native.engineStats(engine, numbers);
  const stats: Partial<EngineStats> = {};
  STAT_NAMES.forEach((name, index) => {
    stats[name] = numbers[index] ?? 0;
  });
  return stats as EngineStats;
}
