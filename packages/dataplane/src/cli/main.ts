/**
 * The entry of the `sluice` command: command line in, exit code out.
 *
 * What a person did wrong is one line each, without a stack; everything else is an internal error, with it.
 */
import { parseCommandLine } from './command-line.js';
import { ExitCode, ExitError } from './exit-codes.js';
import { serve } from './serve.js';
import { VERSION } from './version.js';
import { writeText } from './write-text.js';

function fail(error: unknown): void {
  const known = error instanceof ExitError;
  const text = known ? error.message : `sluice: internal error: ${(error as Error).stack ?? String(error)}`;
  writeText(2, `${text}\n`);
  // Not by itself: what was bound before it went wrong would keep the process.
  process.exit(known ? error.code : ExitCode.internal);
}

try {
  const invocation = parseCommandLine(process.argv.slice(2), process.env, VERSION);
  if (invocation !== null) await serve(invocation.options);
} catch (error) {
  fail(error);
}
