/**
 * The configuration that the daemon starts with: the services that routes use, or an ExitError that names every problem.
 *
 * The same loader and compiler as the gateway's, so that both mean the same services. At start.
 */
import { ExitCode, ExitError } from '@sluice/shared/cli/exit-codes';
import { formatIssue, hasErrors } from '@sluice/shared/resources/issue';
import { loadResources } from '@sluice/shared/resources/load';
import { compileSnapshot } from '@sluice/shared/snapshot/compile';
import type { ServiceSnapshot } from '@sluice/shared/snapshot/snapshot';

export interface Configuration {
  readonly services: readonly ServiceSnapshot[];
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
  return { services: snapshot.services, warnings: all.map(formatIssue) };
}
