/** What the programs about attachments share: an engine's options, how a thread ends, descriptors that are left. */
import type { Worker } from 'node:worker_threads';
import type { EngineOptions } from '@sluice/dataplane/engine/binding';
import { eventually } from './eventually.js';
import { openDescriptors } from './process-stats.js';

/** How a thread ended: its exit code and the error that it left. */
export interface Ended {
  readonly code: number;
  readonly error: string;
}
export const OPTIONS: EngineOptions = {
  headBytesMax: 16_384,
  queueMax: 64,
  connectionsMax: 1_000,
  pendingBytesMax: 1_048_576,
  logRingBytes: 0,
  requestHeadTimeoutMs: 10_000,
  halfCloseTimeoutMs: 1_000,
  lingerTimeoutMs: 1_000,
  keepaliveIdleS: 60,
  keepaliveIntervalS: 10,
  keepaliveCount: 3,
  userTimeoutMs: 0,
};

/** The thread's end; listens for its error from the start, so that it does not become ours. */
export function endOf(worker: Worker): Promise<Ended> {
  let error = '';
  worker.on('error', (cause: NodeJS.ErrnoException) => {
    error = cause.code ?? cause.message;
  });
  return new Promise((resolve) => {
    worker.once('exit', (code) => resolve({ code, error }));
  });
}

/** Descriptors that this process has more than `before`, once their number has settled or its time is up. */
export async function descriptorsOver(before: number): Promise<number> {
  const more = () => openDescriptors(process.pid) - before;
  await eventually(() => {
    if (more() > 0) throw new Error(`${more()} descriptors are left`);
  }).catch(() => {});
  return more();
}
