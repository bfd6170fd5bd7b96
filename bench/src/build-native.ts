/**
 * Builds the C programs (load generator, echo backend, what TLS needs) with make, which does nothing when nothing changed,
 * and says where they are. They live in bench/build, outside the TypeScript output.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const benchFolder = fileURLToPath(new URL('..', import.meta.url));

export const loadProgram = `${benchFolder}build/load`;
export const echoServerProgram = `${benchFolder}build/echo-server`;
export const tlsHoldProgram = `${benchFolder}build/tls-hold`;
export const certificateProgram = `${benchFolder}build/certificate`;

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
      `the load generator did not compile (make, a C compiler and OpenSSL's headers are needed: build-essential, libssl-dev)\n${stderr}`,
    );
  }
  if (!existsSync(loadProgram)) throw new Error(`make left no ${loadProgram}`);
}
