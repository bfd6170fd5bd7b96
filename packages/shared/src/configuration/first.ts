/**
 * The configuration that a process starts with: compiled, or an ExitError that names every problem.
 *
 * Warnings do not keep the process from starting. Main thread, at start.
 */
import { ExitCode, ExitError } from '../cli/exit-codes.js';
import { formatIssue } from '../resources/issue.js';
import type { CompiledConfiguration, ConfigurationCompiler } from './compiled.js';

/** Rejects with ExitError, a line for each issue. */
export async function firstConfiguration(compiler: ConfigurationCompiler): Promise<CompiledConfiguration> {
  const outcome = await compiler.compile();
  if (outcome.type === 'compiled') return outcome;
  throw new ExitError(ExitCode.config, outcome.issues.map(formatIssue).join('\n'));
}
