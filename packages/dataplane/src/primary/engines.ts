/**
 * The engines of the process: one a worker slot, made once, before any worker; they outlive every worker.
 *
 * Primary thread.
 */
import type { Options } from '../cli/options.js';
import type { EngineIndex, EngineOptions, Native } from '../engine/binding.js';
import { readStats } from '../engine/stats.js';

function engineOptions(options: Options): EngineOptions {
  const { headBytesMax, queueMax, connectionsMax, pendingBytesMax, requestHeadTimeoutMs, halfCloseTimeoutMs } = options;
  const { lingerTimeoutMs, keepaliveIdleS, keepaliveIntervalS, keepaliveCount, userTimeoutMs } = options;
  return {
    headBytesMax,
    queueMax,
    connectionsMax,
    pendingBytesMax,
    logRingBytes: options.accessLog === 'off' ? 0 : options.accessLogRingBytes,
    requestHeadTimeoutMs,
    halfCloseTimeoutMs,
    lingerTimeoutMs,
    keepaliveIdleS,
    keepaliveIntervalS,
    keepaliveCount,
    userTimeoutMs,
  };
}

/** One engine for each worker. */
export function createEngines(native: Native, options: Options): readonly EngineIndex[] {
  return Array.from({ length: options.workers }, () => native.engineCreate(engineOptions(options)));
}

/** Client connections that the engines hold or are about to. */
export function openConnections(native: Native, engines: readonly EngineIndex[]): number {
  return engines.reduce((sum, engine) => {
    const { active, queued } = readStats(native, engine);
    return sum + active + queued;
  }, 0);
}
