/**
 * The entry of the `sluice` command: command line in, exit code out.
 *
 * What a person did wrong is one line each, without a stack; everything else is an internal error, with it. Most of the
 * program is loaded only when signals are heard, because loading takes a while.
 */
import { ExitCode, ExitError } from './exit-codes.js';
import { Signals } from './signals.js';
import { writeText } from './write-text.js';

const signals = new Signals();

function fail(error: unknown): void {
  const known = error instanceof ExitError;
  const text = known ? error.message : `sluice: internal error: ${(error as Error).stack ?? String(error)}`;
  writeText(2, `${text}\n`);
  // Not by itself: what was bound before it went wrong would keep the process.
  process.exit(known ? error.code : ExitCode.internal);
}

try {
  const { parseCommandLine } = await import('./command-line.js');
  const { VERSION } = await import('./version.js');
  const invocation = parseCommandLine(process.argv.slice(2), process.env, VERSION);
  if (invocation !== null) {
    const { serve } = await import('./serve.js');
    await serve(invocation.options, signals);
  }
} catch (error) {
  fail(error);
}
