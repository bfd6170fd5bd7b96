/** Runs `sluice` to its end and gives what it said. */
import { execFile } from 'node:child_process';
import { SLUICE_BIN } from './launch.js';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function sluice(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [SLUICE_BIN, ...args],
      { env: { ...process.env, ...env }, timeout: 20_000 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}
