/** A worker of the crowd: loads the addon, attaches and detaches an engine some times, and ends in one of four ways. */
import { workerData } from 'node:worker_threads';
import { type EngineIndex, loadNative } from '@sluice/dataplane/engine/binding';

export interface CrowdTask {
  readonly engine: EngineIndex;
  readonly times: number;
  readonly end: 'detach' | 'attached' | 'exit' | 'throw';
}

const { engine, times, end } = workerData as CrowdTask;
const native = loadNative();
for (let time = 0; time < times; time += 1) {
  native.attach(engine, () => {});
  native.ready(engine);
  native.detach(engine);
}
if (end !== 'detach') {
  native.attach(engine, () => {});
  native.ready(engine);
}
// An attached engine keeps its thread alive, as a worker's does: `attached` is ended from outside.
if (end === 'exit') process.exit(0);
if (end === 'throw') throw new Error('the crowd');
