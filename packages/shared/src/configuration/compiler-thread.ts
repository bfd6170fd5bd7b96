/**
 * The compiler's thread: compiles when it is asked, one question at a time, and keeps what it said last.
 *
 * YAML of thousands of routes takes a second and hundreds of MiB: neither is the main thread's.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type CompilerThreadData, compileConfiguration } from './compile.js';
import type { CompileOutcome } from './compiled.js';

const { source, previous: first } = workerData as CompilerThreadData;
let previous = first;

parentPort?.on('message', () => {
  const outcome: CompileOutcome = compileConfiguration(source, previous);
  if (outcome.type === 'compiled') previous = { version: outcome.version, snapshot: outcome.snapshot };
  parentPort?.postMessage(outcome);
});
