/**
 * Builds the two C programs (load generator, echo backend) with make, which does nothing when nothing changed, and
 * says where they are. They live in bench/build, outside the TypeScript output.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const benchFolder = fileURLToPath(new URL('..', import.meta.url));

export const loadProgram = `${benchFolder}build/load`;
export const echoServerProgram = `${benchFolder}build/echo-server`;

/** @throws Error with the compiler's message, or with what to install. */
export function buildNative(): void {
  try {
    execFileSync('make', ['-s', '-C', `${benchFolder}native`], {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    throw new Error(
      `the load generator did not compile (make and a C compiler are needed: build-essential)\n${stderr}`,
    );
  }
  if (!existsSync(loadProgram)) throw new Error(`make left no ${loadProgram}`);
}
