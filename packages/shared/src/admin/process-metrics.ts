/**
 * Metrics that every process has: its version, CPU time, memory, and descriptors.
 *
 * Read from the kernel at a scrape, each in well under a millisecond. The thread that scrapes.
 */
import { readdirSync, statSync } from 'node:fs';
import type { Families } from './families.js';

const startSeconds = Date.now() / 1000 - process.uptime();

/** Open descriptors of this process: since Linux 6.2 the size of the folder says it, before it has to be read. */
function openDescriptors(): number {
  const { size } = statSync('/proc/self/fd');
  // The descriptor that reads the folder is counted there too.
  return size > 0 ? size : readdirSync('/proc/self/fd').length - 1;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** `version`: of the product. */
export function addProcessMetrics(families: Families, version: string): void {
  const build = [{ labels: { version, node: process.versions.node }, value: 1 }];
  families.gauge('sluice_build_info', 'Always 1; says what runs', ['version', 'node'], () => build);
  families.gauge('sluice_descriptors_open', 'Open file descriptors of the process', [], openDescriptors);
  families.counter('process_cpu_seconds_total', 'User and system CPU time, all threads', [], cpuSeconds);
  families.gauge('process_start_time_seconds', 'When the process started, since the epoch', [], () => startSeconds);
  families.gauge('process_resident_memory_bytes', 'Resident memory, all threads', [], () => process.memoryUsage.rss());
  families.gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use of the main thread', [], () => {
    return process.memoryUsage().heapUsed;
  });
}
