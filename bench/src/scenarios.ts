/**
 * The scenarios: which targets take part, what one run does, which of its numbers are shown, and which target's ratio
 * to the others is formed. Parameters are the issue's: 50 connections with one message in flight, an 800-byte
 * browser head, 10 000 messages/s over 100 connections, 1 000 handshakes/s beside them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { awaitEvent, type Metrics, measureLoad, startLoad } from './load.js';
import { assertDescriptors, processTree, residentBytes } from './process-usage.js';
import type { RunningTarget } from './target.js';

export interface RunSettings {
  seconds: number;
  warmupSeconds: number;
  idleConnections: number;
  /** Cores of the load generator. */
  cpus: string | undefined;
}

export interface Scenario {
  name: string;
  title: string;
  /** The target whose ratio to each other is formed. */
  base: string;
  targets: string[];
  /** Shown in this order; the ratio is formed for each of `ratios`. */
  metrics: string[];
  ratios: string[];
  /** A new process for every run, for what depends on its history (memory). */
  fresh: boolean;
  run(target: RunningTarget, settings: RunSettings): Promise<Metrics>;
}

const peers = ['haproxy', 'nginx', 'http-proxy'];
const settleMs = 300;
const spareDescriptors = 500;

function timed(settings: RunSettings): { seconds: number; warmup: number } {
  return { seconds: settings.seconds, warmup: settings.warmupSeconds };
}

function echo(name: string, label: string, size: number): Scenario {
  return {
    name,
    title: `Echo of ${label} over 50 connections, one message in flight each`,
    base: 'sluice',
    targets: ['sluice', ...peers, 'direct'],
    metrics: ['cpuUs', 'perSecond', 'p50Us', 'p99Us'],
    ratios: ['cpuUs', 'perSecond'],
    fresh: false,
    run: (target, settings) => measureLoad('echo', target, { ...timed(settings), size }, settings.cpus),
  };
}

/**
 * `fin` ends with the two FINs alone, the barest close there is; `frame` adds the closing handshake of RFC 6455, one more
 * exchange through the splice. The figures to reach are for `fin`: it leaves the least room to hide the upgrade's cost.
 */
function churn(close: 'fin' | 'frame'): Scenario['run'] {
  return (target, settings) => measureLoad('churn', target, { ...timed(settings), close }, settings.cpus);
}

function rate(target: RunningTarget, settings: RunSettings): Promise<Metrics> {
  return measureLoad('rate', target, { ...timed(settings), rate: 10_000, connections: 100 }, settings.cpus);
}

async function rateWithHandshakes(target: RunningTarget, settings: RunSettings): Promise<Metrics> {
  const seconds = settings.seconds + settings.warmupSeconds + 0.2;
  const options = { rate: 1000, connections: 500, warmup: 0.1, seconds };
  const handshakes = startLoad('churn', target.port, options, settings.cpus);
  try {
    await awaitEvent(handshakes, 'started', 10_000);
    const { cpuUs: _, ...metrics } = await rate(target, settings);
    await awaitEvent(handshakes, 'stopped', 20_000);
    const beside = await awaitEvent(handshakes, 'done', 10_000);
    return { ...metrics, handshakesPerSecond: beside.perSecond ?? 0, errors: beside.errors ?? 0 };
  } finally {
    await handshakes.close();
  }
}

/**
 * Memory per idle connection. The process is new and has served 2 000 connections, 50 at a time, so that its code is
 * loaded (and compiled, where it is JavaScript) but its pools are not filled: (resident with N idle connections, each
 * having echoed once, minus resident before) / N. `rssAgainBytes` is the same after all N were closed and N others
 * opened, against the same start: it shows what a target does not give back. A garbage collector can return memory
 * meanwhile, which flatters; `rssFromStartBytes`, against the process before its first connection, is the upper bound.
 */
async function idle(target: RunningTarget, settings: RunSettings): Promise<Metrics> {
  if (target.child === undefined) return {};
  assertDescriptors(2 * settings.idleConnections + spareDescriptors);
  const pids = processTree(target.child.pid);
  const untouched = residentBytes(pids);
  const warm = startLoad('churn', target.port, { total: 2000, connections: 50, warmup: 0 }, settings.cpus);
  await awaitEvent(warm, 'started', 10_000);
  await awaitEvent(warm, 'stopped', 60_000);
  await awaitEvent(warm, 'done', 10_000);
  await warm.close();
  await delay(settleMs);
  const start = residentBytes(pids);
  const first = await residentWithIdle(target, settings, pids);
  await delay(settleMs);
  const second = await residentWithIdle(target, settings, pids);
  const each = (bytes: number): number => bytes / settings.idleConnections;
  return {
    rssBytes: each(first - start),
    rssAgainBytes: each(second - start),
    rssFromStartBytes: each(first - untouched),
    startMiB: start / 2 ** 20,
  };
}

async function residentWithIdle(target: RunningTarget, settings: RunSettings, pids: number[]): Promise<number> {
  const load = startLoad('idle', target.port, { connections: settings.idleConnections }, settings.cpus);
  try {
    await awaitEvent(load, 'started', 60_000);
    await delay(settleMs);
    const resident = residentBytes(pids);
    load.process.stdin?.end();
    await awaitEvent(load, 'stopped', 10_000);
    await awaitEvent(load, 'done', 10_000);
    return resident;
  } finally {
    await load.close();
  }
}

const latencies = ['p50Us', 'p99Us', 'p999Us'];

export const scenarios: Scenario[] = [
  echo('echo64', '64 B', 64),
  echo('echo1k', '1 KiB', 1024),
  echo('echo16k', '16 KiB', 16 * 1024),
  echo('echo64k', '64 KiB', 64 * 1024),
  {
    name: 'churn',
    title: 'Connect, upgrade (800-byte head), one 64-B echo, close; 50 at a time',
    base: 'sluice',
    targets: ['sluice', ...peers, 'direct'],
    metrics: ['cpuUs', 'perSecond', 'p50Us', 'p99Us', 'errors'],
    ratios: ['cpuUs', 'perSecond'],
    fresh: false,
    run: churn('fin'),
  },
  {
    name: 'churn-frame',
    title: 'The same with the closing handshake before the end',
    base: 'sluice',
    targets: ['sluice', ...peers, 'direct'],
    metrics: ['cpuUs', 'perSecond', 'p50Us', 'p99Us', 'errors'],
    ratios: ['cpuUs', 'perSecond'],
    fresh: false,
    run: churn('frame'),
  },
  {
    name: 'idle',
    title: 'Resident memory per idle connection',
    base: 'sluice',
    targets: ['sluice', ...peers],
    metrics: ['rssBytes', 'rssAgainBytes', 'rssFromStartBytes', 'startMiB'],
    ratios: ['rssBytes'],
    fresh: true,
    run: idle,
  },
  {
    name: 'rate',
    title: 'Latency at 10 000 messages/s (64 B, 100 connections), from the intended send time',
    base: 'sluice',
    targets: ['sluice', ...peers, 'direct'],
    metrics: [...latencies, 'cpuUs'],
    ratios: ['p50Us', 'p99Us'],
    fresh: false,
    run: rate,
  },
  {
    name: 'rate-handshakes',
    title: 'The same while 1 000 handshakes/s go on',
    base: 'sluice',
    targets: ['sluice', ...peers, 'direct'],
    metrics: [...latencies, 'handshakesPerSecond', 'errors'],
    ratios: ['p50Us', 'p99Us'],
    fresh: false,
    run: rateWithHandshakes,
  },
  {
    name: 'workers',
    title: 'Sluice with 2 workers and with 1: echo of 64 B over 50 connections, never pinned',
    base: 'sluice-2w',
    targets: ['sluice-2w', 'sluice-1w'],
    metrics: ['cpuUs', 'perSecond', 'p99Us'],
    ratios: ['cpuUs', 'perSecond'],
    fresh: false,
    run: (target, settings) => measureLoad('echo', target, { ...timed(settings), size: 64 }, undefined),
  },
  {
    name: 'log',
    title: 'Sluice with the access log in a file and off: connect, upgrade, echo, close',
    base: 'sluice-log',
    targets: ['sluice-log', 'sluice'],
    metrics: ['cpuUs', 'perSecond', 'p99Us', 'errors'],
    ratios: ['cpuUs', 'perSecond'],
    fresh: false,
    run: churn('fin'),
  },
];
