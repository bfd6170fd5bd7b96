/**
 * The four ways in which a worker can be made to die, for the tests of the supervisor (`SLUICE_FAULTS=1` only).
 *
 * Each is the real thing: nothing catches the exception, the loop does not end. Worker thread.
 */
import type { Fault } from './messages.js';

/** Dies by `fault`. Called from a message handler: what it throws is an uncaught exception of the thread. */
export function injectFault(fault: Fault): void {
  switch (fault) {
    case 'throw':
      throw new Error('injected fault: throw');
    case 'exit':
      process.exit(1);
      break;
    case 'oom':
      exhaustHeap();
      break;
    default:
      for (;;);
  }
}

function exhaustHeap(): void {
  const kept: unknown[] = [];
  for (;;) kept.push(new Array(65_536).fill(kept.length));
}
