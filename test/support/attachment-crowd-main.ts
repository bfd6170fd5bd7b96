/** A process in which many threads load the addon, attach, detach and end at once; prints what it saw as one JSON line. */
import { Worker } from 'node:worker_threads';
import { type EngineIndex, EngineState, loadNative } from '@sluice/dataplane/engine/binding';
import { readStats } from '@sluice/dataplane/engine/stats';
import type { CrowdTask } from './attachment-crowd.js';
import { descriptorsOver, endOf, OPTIONS } from './attachment-thread.js';
import { eventually } from './eventually.js';
import { openDescriptors } from './process-stats.js';

const native = loadNative();

export interface CrowdSeen {
  readonly threads: number;
  readonly ends: Readonly<Record<string, readonly string[]>>;
  readonly attachedAgain: number;
  readonly descriptorsLeft: number;
}

const CROWD = 20;
const ROUNDS = 4;
const TIMES = 50;
const ENDS: readonly CrowdTask['end'][] = ['detach', 'attached', 'exit', 'throw'];

async function oneOfCrowd(engine: EngineIndex, end: CrowdTask['end']): Promise<string> {
  const workerData: CrowdTask = { engine, end, times: TIMES };
  const worker = new Worker(new URL('./attachment-crowd.js', import.meta.url), { workerData });
  const ended = endOf(worker);
  if (end === 'attached') {
    await eventually(
      () => {
        if (readStats(native, engine).state === EngineState.ready) return;
        throw new Error('never ready');
      },
      { budgetMs: 30_000, intervalMs: 1 },
    );
    await worker.terminate();
  }
  const { code, error } = await ended;
  return `${code} ${error}`.trimEnd();
}

/** Many threads load the addon, attach, detach and end at once; then every engine can be attached by this thread. */
async function seeCrowd(): Promise<CrowdSeen> {
  const engines = Array.from({ length: CROWD }, () => native.engineCreate(OPTIONS));
  process.stdout.on('error', () => {}); // a loop's first stream costs a descriptor for good: not within the count
  const before = openDescriptors(process.pid);
  const said: Record<CrowdTask['end'], Set<string>> = {
    detach: new Set(),
    attached: new Set(),
    exit: new Set(),
    throw: new Set(),
  };
  let threads = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const all = engines.map(async (engine, index) => {
      const end = ENDS[(index + round) % ENDS.length] ?? 'detach';
      said[end].add(await oneOfCrowd(engine, end));
      threads += 1;
    });
    await Promise.all(all);
  }
  let attachedAgain = 0;
  for (const engine of engines) {
    native.attach(engine, () => {});
    native.detach(engine);
    attachedAgain += 1;
  }
  const descriptorsLeft = await descriptorsOver(before);
  const ends = Object.fromEntries(Object.entries(said).map(([end, each]) => [end, [...each].sort()]));
  return { threads, ends, attachedAgain, descriptorsLeft };
}

console.log(JSON.stringify(await seeCrowd()));
