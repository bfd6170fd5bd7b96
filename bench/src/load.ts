/**
 * One run of the native load generator against one target, with the target's CPU time read when the generator says
 * that the measured part began and when it says that it is over. The two lines reach us within a millisecond of the
 * moments they name, little against seconds.
 */
import { loadProgram } from './build-native.js';
import { Child } from './child.js';
import { cpuSpentNs, cpuTimesNs, processTree } from './process-usage.js';
import type { RunningTarget } from './target.js';

/** Metric name → value, of one run: `perSecond`, `p50Us`, `cpuUs`, … */
export type Metrics = Record<string, number>;

export type LoadMode = 'echo' | 'rate' | 'churn' | 'idle';
export type LoadArguments = Record<string, number | string>;

const patienceMs = 30_000;

/** With `tls` among the options it goes to the target's port for TLS. */
export function startLoad(
  mode: LoadMode,
  target: RunningTarget,
  options: LoadArguments,
  cpus: string | undefined,
): Child {
  const port = options.tls === undefined ? target.port : target.securePort;
  if (port === undefined) throw new Error(`${target.name} has no port for TLS`);
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
  const load = startLoad(mode, target, options, cpus);
  try {
    await awaitEvent(load, 'started', patienceMs);
    const pids = target.child === undefined ? [] : processTree(target.child.pid);
    const before = cpuTimesNs(pids);
    await awaitEvent(load, 'stopped', options.seconds * 1000 + patienceMs);
    const spent = cpuSpentNs(before, cpuTimesNs(pids));
    const metrics = await awaitEvent(load, 'done', 10_000);
    return target.child === undefined ? metrics : { ...metrics, cpuUs: spent / 1000 / (metrics.operations ?? 0) };
  } finally {
    await load.close();
  }
}

/**
 * The `rate` mode of `echoes` while `handshakes` go on beside it, from before its warm-up until it is over. The latencies are
 * the echoes'; `handshakesPerSecond` and `errors` the others'.
 */
export async function measureBeside(
  target: RunningTarget,
  echoes: LoadArguments & { seconds: number; warmup: number },
  handshakes: LoadArguments,
  cpus: string | undefined,
): Promise<Metrics> {
  const seconds = echoes.seconds + echoes.warmup + 0.2;
  const churn = startLoad('churn', target, { rate: 0, ...handshakes, warmup: 0.1, seconds }, cpus);
  try {
    await awaitEvent(churn, 'started', 10_000);
    const { cpuUs: _, ...metrics } = await measureLoad('rate', target, echoes, cpus);
    await awaitEvent(churn, 'stopped', 20_000);
    const beside = await awaitEvent(churn, 'done', 10_000);
    return { ...metrics, handshakesPerSecond: beside.perSecond ?? 0, errors: beside.errors ?? 0 };
  } finally {
    await churn.close();
  }
}
