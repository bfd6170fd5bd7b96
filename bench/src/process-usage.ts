/**
 * CPU time and memory of a target: its process and all descendants (nginx has a master and a worker).
 *
 * CPU comes from /proc/PID/task/TID/schedstat, the nanoseconds each thread was on a core; utime+stime count in ticks
 * of 4–10 ms and are sampled. Two things to know about it: softirq work that happens to run while the thread is on
 * the core counts as the thread's, and on loopback delivering a packet is done by the sender, so every target pays for
 * waking its receivers and not for being woken, all of them alike. A thread that ends
 * while it is measured takes with it what it used meanwhile. A running thread's value is up to one tick (4 ms) old, 1 % of
 * a run of half a second.
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

/** Nanoseconds on a core, of each thread of the processes. */
export function cpuTimesNs(pids: number[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const pid of pids) {
    for (const task of tasksOf(pid)) {
      const [onCpu] = read(`/proc/${pid}/task/${task}/schedstat`).split(' ');
      if (onCpu) times.set(task, Number(onCpu));
    }
  }
  return times;
}

/** Of the threads that are there at the end: one that ended meanwhile must not take with it what it had used before. */
export function cpuSpentNs(before: Map<string, number>, after: Map<string, number>): number {
  return [...after].reduce((sum, [task, time]) => sum + time - (before.get(task) ?? 0), 0);
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
