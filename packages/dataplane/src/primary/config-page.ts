/**
 * What `/config` answers: which configuration is in force since when, where its listeners can be reached, what the last attempt to read it came to, and the
 * conditions of its resources. Pure.
 *
 * Made once for each attempt and not for each request. There are no certificates, keys or contents of files in it.
 */
import type { BoundListener } from './listeners.js';

export type ReloadResult = 'applied' | 'unchanged' | 'refused';

/** The last time that the configuration was read. */
export interface Attempt {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly result: ReloadResult;
  readonly elapsedMs: number;
  /** One line each. */
  readonly issues: readonly string[];
}

export interface ConfigPage {
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly appliedAtMs: number;
  readonly paths: readonly string[];
  readonly last: Attempt;
  readonly listeners: readonly BoundListener[];
  /** JSON of an array. */
  readonly statuses: string;
}

/** JSON text: the statuses are not parsed again, there may be thousands of them. */
export function configPage({ version, appliedAtMs, paths, last, listeners, statuses }: ConfigPage): string {
  const { atMs, result, elapsedMs, issues } = last;
  const lastAttempt = { at: new Date(atMs).toISOString(), result, elapsedMs, issues };
  const head = JSON.stringify({
    version,
    appliedAt: new Date(appliedAtMs).toISOString(),
    paths,
    lastAttempt,
    listeners,
  });
  return `${head.slice(0, -1)},"statuses":${statuses}}\n`;
}
