/**
 * What a worker is started with: everything that it routes, balances and counts by. Pure, but for what it reads of
 * configuration and membership at that moment. Primary thread.
 */
import type { Options } from '../cli/options.js';
import type { EngineIndex } from '../engine/binding.js';
import type { HandshakeLimits, WorkerTask } from '../worker/messages.js';
import type { Health } from './health.js';
import type { InForce } from './in-force.js';
import type { MeterMemory } from './metrics/memory.js';

export interface WorkerTaskSources {
  readonly options: Options;
  readonly inForce: Pick<InForce, 'told'>;
  readonly engines: readonly EngineIndex[];
  readonly health: Pick<Health, 'board' | 'membership'>;
  readonly memory: MeterMemory;
  readonly isDraining: () => boolean;
}

function handshakeLimits(options: Options): HandshakeLimits {
  const { headBytesMax, connectTimeoutMs, answerTimeoutMs, streamIdleTimeoutMs, lifetimeMs, handshakesMax } = options;
  const { ejectAfter, ejectTimeMs, ejectTimeMaxMs, streamConnectionsMax } = options;
  const { requestHeadTimeoutMs, httpIdleTimeoutMs } = options;
  return {
    headBytesMax,
    connectTimeoutMs,
    answerTimeoutMs,
    streamIdleTimeoutMs,
    lifetimeMs,
    handshakesMax,
    streamConnectionsMax,
    requestHeadTimeoutMs,
    httpIdleTimeoutMs,
    ejectAfter,
    ejectTimeMs,
    ejectTimeMaxMs,
  };
}

/** The task of a worker that starts now: called once for each of its lives. */
export function workerTask(sources: WorkerTaskSources, worker: number): Omit<WorkerTask, 'port'> {
  const { options, inForce, engines, health, memory, isDraining } = sources;
  const { snapshot, ports, contexts, material } = inForce.told;
  const { buffer, capacity, columns } = health.board;
  return {
    worker,
    engine: engines[worker] as EngineIndex,
    snapshot,
    endpoints: health.membership.lists,
    ports,
    contexts,
    material,
    board: { buffer, capacity, columns },
    meters: memory.begin(worker),
    limits: handshakeLimits(options),
    accessLog: options.accessLog !== 'off',
    draining: isDraining(),
  };
}
