/** What the kernel says about a running process: descriptors, memory, CPU time; and about its sockets' queues. */
import { readdirSync, readFileSync } from 'node:fs';

/** Open descriptors. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Resident memory, bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) * 1024;
}

/** User and system time of all threads, ms (ticks of 10 ms). */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/**
 * Bytes that `serverPort` has not read yet from the connection of `clientPort`: 0 says that the server took
 * everything that was sent, so what is sent next comes in a read of its own.
 */
export function unreadBytes(serverPort: number): Map<number, number> {
  const unread = new Map<number, number>();
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1)) {
    const [, local = '', remote = '', , queues = ''] = line.trim().split(/\s+/);
    if (Number.parseInt(local.slice(9), 16) === serverPort) {
      unread.set(Number.parseInt(remote.slice(9), 16), Number.parseInt(queues.slice(9), 16));
    }
  }
  return unread;
}
