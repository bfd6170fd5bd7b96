/**
 * Memory per idle connection. The process is new and has served 2 000 connections (twice 1 000), 50 at a time, so that its code is
 * loaded (and compiled, where it is JavaScript) but its pools are not filled: (resident with N idle connections, each
 * having echoed once, minus resident before) / N. `rssAgainBytes` is the same after all N were closed and N others
 * opened, against the same start: it shows what a target does not give back. A garbage collector can return memory
 * meanwhile, which flatters; `rssFromStartBytes`, against the process before its first connection, is the upper bound. Node
 * gives the garbage of its start and of a thousand handshakes back seconds after it has come to rest, tens of MiB at once: that
 * is waited for, until nothing has changed for a while.
 *
 * With TLS: N plain ones are held first and stay, then N with TLS come, so that neither finds what the other gave back.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { awaitEvent, type LoadArguments, type Metrics, startLoad } from './load.js';
import { assertDescriptors, processTree, residentBytes } from './process-usage.js';
import { type RunSettings, secured } from './scenario.js';
import type { RunningTarget } from './target.js';

const settleMs = 300;
const restMs = 5000;
const restMaxMs = 25_000;
const lookMs = 250;
const noticedBytes = 512 * 1024;
const spareDescriptors = 500;
const warmConnections = 1000;

export async function idle(target: RunningTarget, settings: RunSettings): Promise<Metrics> {
  if (target.child === undefined) return {};
  assertDescriptors(2 * settings.idleConnections + spareDescriptors);
  const pids = processTree(target.child.pid);
  await collected(target);
  const untouched = residentBytes(pids);
  await warmUp(target, {}, settings);
  await warmUp(target, {}, settings);
  const start = residentBytes(pids);
  const count = settings.idleConnections;
  const first = await residentWithIdle(target, { connections: count }, settings, pids);
  await collected(target);
  const second = await residentWithIdle(target, { connections: count }, settings, pids);
  return {
    rssBytes: (first - start) / count,
    rssAgainBytes: (second - start) / count,
    rssFromStartBytes: (first - untouched) / count,
    startMiB: start / 2 ** 20,
  };
}

/** `plainBytes` is undefined for what speaks TLS alone. */
export async function idleTls(target: RunningTarget, settings: RunSettings): Promise<Metrics> {
  if (target.child === undefined) return {};
  const count = Math.floor(settings.idleConnections / 2);
  assertDescriptors(4 * count + spareDescriptors);
  const pids = processTree(target.child.pid);
  await warmUp(target, secured(settings), settings);
  if (target.port === 0) {
    const start = residentBytes(pids);
    const held = await residentWithIdle(target, { connections: count, ...secured(settings) }, settings, pids);
    return { rssBytes: (held - start) / count, startMiB: start / 2 ** 20 };
  }
  await warmUp(target, {}, settings);
  const start = residentBytes(pids);
  return holding(target, { connections: count }, settings, async () => {
    await collected(target);
    const plain = residentBytes(pids);
    const both = await residentWithIdle(target, { connections: count, ...secured(settings) }, settings, pids);
    return {
      rssBytes: (both - plain) / count,
      plainBytes: (plain - start) / count,
      tlsBytes: (both - 2 * plain + start) / count,
      startMiB: start / 2 ** 20,
    };
  });
}

async function warmUp(target: RunningTarget, options: LoadArguments, settings: RunSettings): Promise<void> {
  const churn = { total: warmConnections, connections: 50, warmup: 0, ...options };
  const warm = startLoad('churn', target, churn, settings.cpus);
  await awaitEvent(warm, 'started', 10_000);
  await awaitEvent(warm, 'stopped', 60_000);
  await awaitEvent(warm, 'done', 10_000);
  await warm.close();
  await delay(settleMs);
  await collected(target);
}

async function collected({ child }: RunningTarget): Promise<void> {
  if (child?.command !== process.execPath) return;
  const pids = processTree(child.pid);
  let level = residentBytes(pids);
  for (let passed = 0, still = 0; still < restMs && passed < restMaxMs; passed += lookMs, still += lookMs) {
    await delay(lookMs);
    const now = residentBytes(pids);
    if (Math.abs(now - level) < noticedBytes) continue;
    level = now;
    still = 0;
  }
}

/** What `look` finds while the connections are idle. */
async function holding<T>(
  target: RunningTarget,
  options: LoadArguments,
  settings: RunSettings,
  look: () => Promise<T>,
): Promise<T> {
  const load = startLoad('idle', target, options, settings.cpus);
  try {
    await awaitEvent(load, 'started', 60_000);
    await delay(settleMs);
    const found = await look();
    load.process.stdin?.end();
    await awaitEvent(load, 'stopped', 10_000);
    await awaitEvent(load, 'done', 10_000);
    return found;
  } finally {
    await load.close();
  }
}

function residentWithIdle(
  target: RunningTarget,
  options: LoadArguments,
  settings: RunSettings,
  pids: number[],
): Promise<number> {
  return holding(target, options, settings, async () => {
    await collected(target);
    return residentBytes(pids);
  });
}
