/**
 * `sluice check`: what `sluice serve` would say of a configuration, without serving it.
 *
 * Reads and compiles as `serve` does; touches no port, no Redis, no backend. Main thread.
 */
import { ExitCode } from '@sluice/shared/cli/exit-codes';
import { type ConfigurationSource, openSource } from '@sluice/shared/configuration/source';
import { hasErrors, sortIssues } from '@sluice/shared/resources/issue';
import { loadResources } from '@sluice/shared/resources/load';
import { withoutRefused, withRefused } from '@sluice/shared/snapshot/absence';
import { compileSnapshot } from '@sluice/shared/snapshot/compile';
import type { CheckOptions } from './check-options.js';
import { isGood, type Report, renderReport } from './check-report.js';

/** What is to be said of the manifests. What could not be read whole has no conditions. */
function checkConfiguration({ paths, streams }: ConfigurationSource): Report {
  const { resources, issues } = loadResources(paths, streams);
  const { snapshot, statuses, issues: found } = compileSnapshot(resources);
  const all = sortIssues([...issues, ...withoutRefused(found, issues)]);
  return { version: hasErrors(all) ? '' : snapshot.version, issues: all, statuses: withRefused(statuses, issues) };
}

/** Prints the report on stdout, however large it is, and sets the exit code; the process ends by itself. */
export async function check({ config, output }: CheckOptions): Promise<void> {
  const report = checkConfiguration(await openSource(config));
  process.exitCode = isGood(report) ? ExitCode.ok : ExitCode.findings;
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', () => {});
  process.stdout.write(renderReport(report, output));
}
