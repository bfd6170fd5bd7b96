/**
 * One run of the native load generator against one target, with the target's CPU time read when the generator says
 * that the measured part began and when it says that it is over. The two lines reach us within a millisecond of the
 * moments they name, little against seconds.
 */
import { loadProgram } from './build-native.js';
import { Child } from './child.js';
import { cpuTimeNs, processTree } from './process-usage.js';
import type { RunningTarget } from './target.js';

/** Metric name → value, of one run: `perSecond`, `p50Us`, `cpuUs`, … */
export type Metrics = Record<string, number>;

export type LoadMode = 'echo' | 'rate' | 'churn' | 'idle';
export type LoadArguments = Record<string, number | string>;

const patienceMs = 30_000;

export function startLoad(mode: LoadMode, port: number, options: LoadArguments, cpus: string | undefined): Child {
  const flags = Object.entries({ port, ...options }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return new Child(loadProgram, [mode, ...flags], { cpus });
}

/** The generator's event lines are its only output. @throws Error when another event comes, or none in time. */
export async function awaitEvent(
  load: Child,
  event: 'started' | 'stopped' | 'done',
  timeoutMs: number,
): Promise<Metrics> {
  const message: unknown = JSON.parse(await load.line(timeoutMs));
  if (typeof message !== 'object' || message === null || !('event' in message) || message.event !== event) {
    throw new Error(`the load generator said ${JSON.stringify(message)} where "${event}" was due`);
  }
  const numbers = Object.entries(message).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return Object.fromEntries(numbers);
}

/** Runs to the end; adds `cpuUs`, the target's CPU µs per operation, unless the target is `direct`. */
export async function measureLoad(
  mode: LoadMode,
  target: RunningTarget,
  options: LoadArguments & { seconds: number },
  cpus: string | undefined,
): Promise<Metrics> {
  const load = startLoad(mode, target.port, options, cpus);
  try {
    await awaitEvent(load, 'started', patienceMs);
    const pids = target.child === undefined ? [] : processTree(target.child.pid);
    const before = cpuTimeNs(pids);
    await awaitEvent(load, 'stopped', options.seconds * 1000 + patienceMs);
    const spent = cpuTimeNs(pids) - before;
    const metrics = await awaitEvent(load, 'done', 10_000);
    return target.child === undefined ? metrics : { ...metrics, cpuUs: spent / 1000 / (metrics.operations ?? 0) };
  } finally {
    await load.close();
  }
}
