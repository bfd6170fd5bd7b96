/**
 * The compiler's thread: compiles when it is asked, one question at a time, and keeps what it said last.
 *
 * YAML of thousands of routes takes a second and hundreds of MiB: neither is the main thread's.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type CompilerThreadData, compileConfiguration } from './compile.js';
import type { CompileOutcome } from './compiled.js';

const { source, forProbes, previous: first } = workerData as CompilerThreadData;
let previous = first;

parentPort?.on('message', () => {
  const outcome: CompileOutcome = compileConfiguration(source, previous, forProbes);
  if (outcome.type === 'compiled') {
    const { version, snapshot, credentials } = outcome;
    previous = { version, snapshot, credentials };
  }
  parentPort?.postMessage(outcome);
});
