/**
 * One compilation of the configuration, from files to what is posted to the process: the work of the compiler's thread.
 *
 * Invariant: what is equal to the configuration before it is `unchanged`; metric groups of that one keep their numbers. A
 * certificate that was good and is not is refused: it may be in the middle of a renewal.
 */

import { encodeProbedServices, probedServicesOf } from '../health/probed-services.js';
import { type ConfigIssue, fileIssue, hasErrors } from '../resources/issue.js';
import { loadResources } from '../resources/load.js';
import { compileSnapshot } from '../snapshot/compile.js';
import type { CredentialReadings } from '../snapshot/context.js';
import { encodeSnapshot, openSnapshot } from '../snapshot/view.js';
import type { CompiledConfiguration, CompileOutcome } from './compiled.js';
import { encodeRemovals, removalsOf } from './removals.js';
import type { ConfigurationSource } from './source.js';

/** The configuration that the process has had last. */
export type PreviousConfiguration = Pick<CompiledConfiguration, 'version' | 'snapshot' | 'credentials'>;

/** What the compiler's thread is started with. */
export interface CompilerThreadData {
  readonly source: ConfigurationSource;
  /** For a health daemon. */
  readonly forProbes: boolean;
  /** What the thread before it said last. */
  readonly previous: PreviousConfiguration | null;
}

/** Issues that one outcome may have: each is an object that the main thread has to take over. */
export const ISSUES_MAX = 2000;

/** Reads and compiles everything. Does not throw for anything that a file says. */
export function compileConfiguration(
  source: ConfigurationSource,
  previous: PreviousConfiguration | null,
  forProbes = false,
): CompileOutcome {
  const beganMs = performance.now();
  const loaded = loadResources(source.paths, source.streams);
  const { files } = loaded;
  const ended = () => ({ files, elapsedMs: Math.round(performance.now() - beganMs) });
  if (hasErrors(loaded.issues)) return { type: 'refused', issues: bounded(loaded.issues), ...ended() };
  const compiled = compileSnapshot(loaded.resources, forProbes);
  const { snapshot, material, readings } = compiled;
  const issues = bounded(withLost([...loaded.issues, ...compiled.issues], readings, previous));
  if (hasErrors(issues)) return { type: 'refused', issues, ...ended() };
  const { version } = snapshot;
  const statuses = JSON.stringify(compiled.statuses);
  if (version === previous?.version) return { type: 'unchanged', version, statuses, issues, ...ended() };
  const buffer = encodeSnapshot(snapshot, previous === null ? undefined : openSnapshot(previous.snapshot).groups);
  const removals = encodeRemovals(removalsOf(snapshot));
  const probedServices = encodeProbedServices(probedServicesOf(snapshot.services, material));
  return {
    type: 'compiled',
    version,
    snapshot: buffer,
    material,
    credentials: [...readings.good],
    probedServices,
    removals,
    statuses,
    issues,
    ...ended(),
  };
}

/** What is wrong with a certificate or an authority that is in force is an error, and no warning. */
function withLost(
  issues: readonly ConfigIssue[],
  { bad }: CredentialReadings,
  previous: PreviousConfiguration | null,
): readonly ConfigIssue[] {
  const lost = new Set([...bad].filter(([name]) => previous?.credentials.includes(name)).map(([, issue]) => issue));
  const errors = [...lost].map((issue): ConfigIssue => ({ ...issue, severity: 'error' }));
  return [...errors, ...issues.filter((issue) => !lost.has(issue))];
}

/** Errors come first when not all have room. */
function bounded(issues: readonly ConfigIssue[]): readonly ConfigIssue[] {
  if (issues.length <= ISSUES_MAX) return issues;
  const errors = issues.filter(({ severity }) => severity === 'error');
  const kept = (errors.length > 0 ? errors : issues).slice(0, ISSUES_MAX);
  const more = `${issues.length - kept.length} more errors and warnings are not shown`;
  return [...kept, { ...fileIssue('configuration', more), severity: errors.length > 0 ? 'error' : 'warning' }];
}
