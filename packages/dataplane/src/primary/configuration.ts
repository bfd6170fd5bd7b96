/**
 * The configuration that the process starts with: manifests to snapshot, or an ExitError that names every problem.
 *
 * Warnings do not keep the process from starting: they come back with the snapshot. Primary thread, at start.
 */

import { ExitCode, ExitError } from '@sluice/shared/cli/exit-codes';
import { formatIssue, hasErrors } from '@sluice/shared/resources/issue';
import { loadResources } from '@sluice/shared/resources/load';
import { compileSnapshot } from '@sluice/shared/snapshot/compile';
import type { Snapshot } from '@sluice/shared/snapshot/snapshot';

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
