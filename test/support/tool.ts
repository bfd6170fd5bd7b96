/**
 * A program of the machine that a test uses as a client, run with a bound on its time. `scripts/test/tools.mjs` sees to
 * it that they are there; a test without its program fails with one line, it is never skipped.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const BUDGET_MS = 30_000;

/** A sanitizer's runtime is the gateway's: curl hangs with it. */
const { LD_PRELOAD: _preloaded, ...env } = process.env;
export const TOOL_ENVIRONMENT: NodeJS.ProcessEnv = env;

export interface Ran {
  /** -1 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The path of the first of `names` that is on the PATH. Throws a line that says what to do. */
export function tool(...names: readonly string[]): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`there is no ${names.join(' or ')}: run node scripts/test/tools.mjs`);
  return found;
}

/** Runs it to its end; `input` goes to its standard input, which is closed then. */
export async function runTool(name: string, args: readonly string[], input = ''): Promise<Ran> {
  return await new Promise((resolve) => {
    const options = {
      timeout: BUDGET_MS,
      killSignal: 'SIGKILL',
      maxBuffer: 64 << 20,
      encoding: 'latin1',
      env,
    } as const;
    const child = execFile(tool(name), args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
    // It may end without having read it.
    child.stdin?.on('error', () => undefined).end(input);
  });
}
