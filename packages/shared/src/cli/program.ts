/**
 * Which build of a program runs: the bundle, which starts in half the time, or what the TypeScript compiler wrote.
 *
 * Invariant: nothing old runs. A bundle older than a compilation, or none, and the compiled files are taken. Primary
 * thread, first of all.
 */
import { statSync } from 'node:fs';

/** ms since the epoch; undefined: there is no such file. */
function changedMs(file: URL): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}

/** `entry`: of the bundle; `builds`: what the compiler leaves after each compilation, as far as it is there. */
export function isFresh(entry: URL, builds: readonly URL[]): boolean {
  const bundledMs = changedMs(entry);
  return bundledMs !== undefined && builds.every((build) => (changedMs(build) ?? 0) <= bundledMs);
}

/** The entry of the program whose file in `bin` this is: `bundle/cli/main.js` beside it, else `dist/cli/main.js`. */
export function programEntry(bin: string): string {
  const entry = new URL('../bundle/cli/main.js', bin);
  const builds = ['shared', 'healthd', 'dataplane'].map((name) => new URL(`../../${name}/dist/.tsbuildinfo`, bin));
  return isFresh(entry, builds) ? entry.href : new URL('../dist/cli/main.js', bin).href;
}
