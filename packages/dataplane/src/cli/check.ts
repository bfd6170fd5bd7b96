/**
 * `sluice check`: what `sluice serve` would say of a configuration, without serving it.
 *
 * Reads and compiles as `serve` does; touches no port, no Redis, no backend. Main thread.
 */
import { configOption } from '@sluice/shared/cli/common-options';
import { ExitCode } from '@sluice/shared/cli/exit-codes';
import { option } from '@sluice/shared/cli/options';
import { hasErrors, sortIssues } from '@sluice/shared/resources/issue';
import { loadResources } from '@sluice/shared/resources/load';
import { withoutRefused } from '@sluice/shared/snapshot/absence';
import { compileSnapshot } from '@sluice/shared/snapshot/compile';
import { z } from 'zod';
import { FORMATS, isGood, type Report, renderReport } from './check-report.js';

export const checkSchema = z.strictObject({
  config: configOption(),
  output: option(
    z.enum(FORMATS, { error: `one of ${FORMATS.join(', ')}` }).prefault('table'),
    'output',
    'FORMAT',
    'How the result is printed: table, json or yaml',
    { short: 'o' },
  ),
});

/** What is to be said of the manifests under `paths`. What could not be read whole has no conditions. */
export function checkConfiguration(paths: readonly string[]): Report {
  const { resources, issues } = loadResources(paths);
  const { snapshot, statuses, issues: found } = compileSnapshot(resources);
  const all = sortIssues([...issues, ...withoutRefused(found, issues)]);
  return { version: hasErrors(all) ? '' : snapshot.version, issues: all, statuses };
}

/** Prints the report on stdout, however large it is, and sets the exit code; the process ends by itself. */
export function check({ config, output }: z.output<typeof checkSchema>): void {
  const report = checkConfiguration(config);
  process.exitCode = isGood(report) ? ExitCode.ok : ExitCode.findings;
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', () => {});
  process.stdout.write(renderReport(report, output));
}
