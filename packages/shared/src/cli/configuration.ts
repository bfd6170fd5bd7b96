/**
 * The configuration that a process starts with: manifests to snapshot, or an ExitError that names every problem.
 *
 * Warnings do not keep the process from starting: they come back with the snapshot. Main thread, at start.
 */
import { formatIssue, hasErrors } from '../resources/issue.js';
import { loadResources } from '../resources/load.js';
import { compileSnapshot } from '../snapshot/compile.js';
import type { Snapshot } from '../snapshot/snapshot.js';
import { ExitCode, ExitError } from './exit-codes.js';

export interface Configuration {
  readonly snapshot: Snapshot;
  /** One line each. */
  readonly warnings: readonly string[];
}

/** Reads and compiles `paths`. Throws ExitError with a line for each issue. */
export function loadConfiguration(paths: readonly string[]): Configuration {
  const loaded = loadResources(paths);
  if (hasErrors(loaded.issues)) throw new ExitError(ExitCode.config, loaded.issues.map(formatIssue).join('\n'));
  const { snapshot, issues } = compileSnapshot(loaded.resources);
  const all = [...loaded.issues, ...issues];
  if (hasErrors(all)) throw new ExitError(ExitCode.config, all.map(formatIssue).join('\n'));
  return { snapshot, warnings: all.map(formatIssue) };
}
