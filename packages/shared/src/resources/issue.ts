/**
 * What is wrong with a configuration, and where: the one form in which the loader and the compiler report.
 *
 * Plain data, so that it crosses threads and prints the same everywhere. Every problem is collected; none is thrown.
 * Any thread.
 */

export type IssueSeverity = 'error' | 'warning';

export interface ConfigIssue {
  readonly severity: IssueSeverity;
  /** Path of the file as it was given or found. */
  readonly file: string;
  /** From 1; 0 when the issue belongs to no place in a file (a missing path, a folder without any Gateway). */
  readonly line: number;
  /** From 1; 0 when `line` is 0. */
  readonly column: number;
  /** Path in the resource, as in `spec.rules[0].backendRefs[1].port`; `''` for the whole of it. */
  readonly path: string;
  /** `HTTPRoute default/chat`; `''` when the issue belongs to no resource. */
  readonly resource: string;
  /** What is wrong. */
  readonly message: string;
  /** What would be right; `''` when the message says it all. */
  readonly hint: string;
}

/** An error about a file; without a position when it concerns the whole of it. */
export function fileIssue(file: string, message: string, hint = '', at = { line: 0, column: 0 }): ConfigIssue {
  return { severity: 'error', file, ...at, path: '', resource: '', message, hint };
}

/** `file:line:col: error: HTTPRoute default/chat spec.rules[0]: message; hint`, without the parts that are empty. */
export function formatIssue(issue: ConfigIssue): string {
  const place = issue.line > 0 ? `${issue.file}:${issue.line}:${issue.column}` : issue.file;
  const subject = [issue.resource, issue.path].filter((part) => part !== '').join(' ');
  const text = issue.hint === '' ? issue.message : `${issue.message}; ${issue.hint}`;
  return [place, issue.severity, subject, text].filter((part) => part !== '').join(': ');
}

/** True when at least one issue forbids the use of the configuration. */
export function hasErrors(issues: readonly ConfigIssue[]): boolean {
  return issues.some((issue) => issue.severity === 'error');
}

/** Issues in the order of their places, so that a report reads like the files do. */
export function sortIssues(issues: readonly ConfigIssue[]): ConfigIssue[] {
  return [...issues].sort(
    (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column,
  );
}
