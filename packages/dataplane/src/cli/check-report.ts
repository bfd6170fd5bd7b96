/**
 * What `sluice check` prints: every problem of a configuration, and the conditions that its resources would have.
 *
 * The table is for people, json and yaml are the same object for programs; its resources are written as a cluster would
 * show them. Pure.
 */
import { type ConfigIssue, formatIssue } from '@sluice/shared/resources/issue';
import type { Condition, ResourceStatus } from '@sluice/shared/snapshot/status';
import { stringify } from 'yaml';
import type { ReportFormat } from './check-options.js';

export interface Report {
  /** Of the snapshot that would be served; '' when errors forbid it. */
  readonly version: string;
  readonly issues: readonly ConfigIssue[];
  readonly statuses: readonly ResourceStatus[];
}

/** A condition, and what of its resource it is about. */
interface Row {
  readonly kind: string;
  readonly name: string;
  /** Listener, parent or ancestor; '' for the resource itself. */
  readonly part: string;
  readonly condition: Condition;
}

/** Conditions that are bad when they are true; of all others False is. OverlappingTLSConfig is neither: it is served. */
const BAD_WHEN_TRUE = new Set(['Conflicted', 'PartiallyInvalid']);

function isBad({ type, status }: Condition): boolean {
  return BAD_WHEN_TRUE.has(type) ? status === 'True' : status === 'False';
}

/** Whether everything would be served as it is written: no error, and no condition that is bad. */
export function isGood({ issues, statuses }: Report): boolean {
  if (issues.some(({ severity }) => severity === 'error')) return false;
  return !statuses.flatMap(rowsOf).some(({ condition }) => isBad(condition));
}

export function renderReport(report: Report, format: ReportFormat): string {
  if (format === 'json') return `${JSON.stringify(plain(report), null, 2)}\n`;
  return format === 'yaml' ? stringify(plain(report), { aliasDuplicateObjects: false }) : table(report);
}

function plain(report: Report) {
  const { version, issues, statuses } = report;
  return {
    ok: isGood(report),
    version,
    issues,
    resources: statuses.map(({ apiVersion, kind, namespace, name, ...status }) => ({
      apiVersion,
      kind,
      metadata: namespace === '' ? { name } : { namespace, name },
      status,
    })),
  };
}

function rowsOf(status: ResourceStatus): Row[] {
  const { kind, namespace, conditions = [], listeners = [], parents = [], ancestors = [] } = status;
  const name = namespace === '' ? status.name : `${namespace}/${status.name}`;
  const rows = (part: string, of: readonly Condition[]): Row[] =>
    of.map((condition) => ({ kind, name, part, condition }));
  return [
    ...rows('', conditions),
    ...listeners.flatMap((listener) =>
      rows(`listener ${listener.name}, routes: ${listener.attachedRoutes}`, listener.conditions),
    ),
    ...parents.flatMap(({ parentRef, conditions: of }) => rows(`parent ${refText(parentRef)}`, of)),
    ...ancestors.flatMap(({ ancestorRef, conditions: of }) => rows(`for ${refText(ancestorRef)}`, of)),
  ];
}

/** `default/main`, `default/main/http` with a section, `default/main:80` with a port. */
function refText({ namespace, name, sectionName, port }: Readonly<Record<string, string | number>>): string {
  const whole = namespace === undefined ? String(name) : `${namespace}/${name}`;
  return `${whole}${sectionName === undefined ? '' : `/${sectionName}`}${port === undefined ? '' : `:${port}`}`;
}

const HEADINGS = ['KIND', 'NAME', 'OF', 'CONDITION', 'STATUS', 'REASON', 'MESSAGE'];

function table(report: Report): string {
  const { issues, version } = report;
  const rows = report.statuses.flatMap(rowsOf);
  const cells = rows.map(({ kind, name, part, condition: { type, status, reason, message } }) => {
    return [kind, name, part, type, status, reason, message];
  });
  const parts = [issues.map(formatIssue), columns(cells), [summary(issues, rows, version)]];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** Cells as columns under their headings; the last column is as wide as it is. */
function columns(cells: readonly (readonly string[])[]): string[] {
  if (cells.length === 0) return [];
  const lines = [HEADINGS, ...cells];
  const widths = HEADINGS.map((_, at) => Math.max(...lines.map((line) => (line[at] ?? '').length)));
  return lines.map((line) =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function summary(issues: readonly ConfigIssue[], rows: readonly Row[], version: string): string {
  const errors = issues.filter(({ severity }) => severity === 'error').length;
  const bad = rows.filter(({ condition }) => isBad(condition)).length;
  const found = [
    counted(errors, 'error'),
    counted(issues.length - errors, 'warning'),
    counted(bad, 'condition', ' not as it should be', 's not as they should be'),
  ];
  return `${found.join(', ')}${version === '' ? '' : `; version ${version}`}`;
}

function counted(count: number, what: string, one = '', many = 's'): string {
  return `${count} ${what}${count === 1 ? one : many}`;
}
