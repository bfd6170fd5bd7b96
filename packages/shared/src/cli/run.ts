/**
 * The frame of every command: an error that a person can mend is one line each, without a stack; everything else is an
 * internal error, with it.
 */
import { ExitCode, ExitError } from './exit-codes.js';
import { writeText } from './write-text.js';

/** Runs `main`; what it throws ends the process with its exit code. */
export async function runProgram(name: string, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const known = error instanceof ExitError;
    const text = known ? error.message : `${name}: internal error: ${(error as Error).stack ?? String(error)}`;
    writeText(2, `${text}\n`);
    // Not by itself: what was bound before it went wrong would keep the process.
    process.exit(known ? error.code : ExitCode.internal);
  }
}
