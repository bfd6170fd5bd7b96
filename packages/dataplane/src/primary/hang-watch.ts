/**
 * Ends workers that have stopped running: an engine that was not driven for the hang timeout, or a boot without end.
 *
 * A poll that comes late itself proves nothing (the whole process was stopped or starved), so it is passed over: the
 * workers get one interval to show that they run. Primary thread.
 */
import { EngineState, type Native } from '../engine/binding.js';
import { readStats } from '../engine/stats.js';
import type { Supervisor } from './supervisor.js';

const INTERVAL_MS = 500;
const LATE_MS = 1000;
const BOOT_TIMEOUT_MS = 30_000;

export interface HangWatch {
  close(): void;
}

export function watchForHangs(native: Native, supervisor: Supervisor, hangTimeoutMs: number): HangWatch {
  let lastMs = performance.now();
  const poll = (): void => {
    const late = performance.now() - lastMs > INTERVAL_MS + LATE_MS;
    lastMs = performance.now();
    if (late) return;
    for (const { worker, engine, live, ageMs } of supervisor.watched()) {
      if (!live && ageMs > BOOT_TIMEOUT_MS)
        supervisor.kill(worker, `not ready after ${BOOT_TIMEOUT_MS} ms`, 'BOOT_TIMEOUT');
      if (!live) continue;
      const { heartbeatAgeMs, state } = readStats(native, engine);
      if (heartbeatAgeMs <= hangTimeoutMs || state === EngineState.starting) continue;
      supervisor.kill(worker, `hangs: not run for ${Math.round(heartbeatAgeMs)} ms`, 'WORKER_HANG');
    }
  };
  const timer = setInterval(poll, INTERVAL_MS);
  return { close: () => clearInterval(timer) };
}
