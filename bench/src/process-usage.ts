/**
 * CPU time and memory of a target: its process and all descendants (nginx has a master and a worker).
 *
 * CPU comes from /proc/PID/task/TID/schedstat, the nanoseconds each thread was on a core; utime+stime count in ticks
 * of 4–10 ms and are sampled. Two things to know about it: softirq work that happens to run while the thread is on
 * the core counts as the thread's, and on loopback delivering a packet is done by the sender, so every target pays for
 * waking its receivers and not for being woken, all of them alike. A thread that ended takes its time with it:
 * the targets keep theirs. A running thread's value is up to one tick (4 ms) old, 0.2 % of a two-second run.
 */
import { readdirSync, readFileSync } from 'node:fs';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the task ended between the listing and the reading
  }
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** The pid and its descendants. */
export function processTree(pid: number): number[] {
  const children = tasksOf(pid)
    .flatMap((task) => read(`/proc/${pid}/task/${task}/children`).trim().split(' '))
    .filter((text) => text !== '');
  return [pid, ...children.flatMap((child) => processTree(Number(child)))];
}

/** Nanoseconds on a core, over all threads of all processes. */
export function cpuTimeNs(pids: number[]): number {
  let total = 0;
  for (const pid of pids) {
    for (const task of tasksOf(pid)) {
      const [onCpu] = read(`/proc/${pid}/task/${task}/schedstat`).split(' ');
      total += Number(onCpu || 0);
    }
  }
  return total;
}

/** Resident bytes (VmRSS), summed; pages that processes share are counted in each, which a difference cancels. */
export function residentBytes(pids: number[]): number {
  let total = 0;
  for (const pid of pids) {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1];
    total += Number(kib ?? 0) * 1024;
  }
  return total;
}

/** @throws Error when this process and its children may not open so many descriptors. */
export function assertDescriptors(wanted: number): void {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(read('/proc/self/limits'))?.[1];
  if (hard !== undefined && hard !== 'unlimited' && Number(hard) < wanted) {
    throw new Error(`${wanted} descriptors are needed, the hard limit is ${hard}: raise it with ulimit -Hn`);
  }
}

/** @throws Error where the kernel does not offer schedstat. */
export function assertSchedstat(): void {
  if (!/^\d+ \d+ \d+/.test(read(`/proc/${process.pid}/task/${process.pid}/schedstat`))) {
    throw new Error('this kernel has no /proc/PID/task/TID/schedstat (CONFIG_SCHED_INFO), which CPU time comes from');
  }
}
