/**
 * The result as Markdown: machine and parameters, one table a scenario (median and 95 % interval of every metric, and
 * the base's ratio to each other target), the goals. Pure: text from values.
 */
import { describeTerms } from './certificate.js';
import type { Verdict } from './goals.js';
import type { Machine } from './machine.js';
import type { BenchOptions } from './options.js';
import type { Failure, ScenarioResult } from './results.js';
import type { Estimate } from './statistics.js';

const headings: Record<string, string> = {
  cpuUs: 'CPU µs/op',
  perSecond: 'ops/s',
  p50Us: 'p50 µs',
  p99Us: 'p99 µs',
  p999Us: 'p99.9 µs',
  errors: 'errors',
  rssBytes: 'RSS B/conn',
  rssAgainBytes: 'RSS B/conn, second time',
  rssFromStartBytes: 'RSS B/conn, from an untouched start',
  startMiB: 'RSS before, MiB',
  handshakesPerSecond: 'handshakes/s',
  resumed: 'resumed',
  plainBytes: 'of a plain one',
  tlsBytes: 'TLS on top',
};

function number(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000)
    return Math.round(value)
      .toString()
      .replace(/\B(?=(\d{3})+$)/g, ' ');
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

function cell(estimate: Estimate | undefined): string {
  if (estimate === undefined) return '–';
  const { median, low, high } = estimate;
  return low === high ? number(median) : `${number(median)} [${number(low)}–${number(high)}]`;
}

function table(header: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

function scenarioSection(result: ScenarioResult): string {
  const { title, name, base, metrics, ratios } = result.scenario;
  const withRatios = result.targets.includes(base) ? ratios : [];
  const header = [
    'target',
    ...metrics.map((metric) => headings[metric] ?? metric),
    ...withRatios.map((metric) => `${base} ÷ it, ${headings[metric] ?? metric}`),
  ];
  const rows = result.targets.map((target) => [
    target,
    ...metrics.map((metric) => cell(result.estimate(target, metric))),
    ...withRatios.map((metric) => (target === base ? '' : cell(result.ratio(base, target, metric)))),
  ]);
  return `### ${name}: ${title}\n\n${table(header, rows)}`;
}

function goalsSection(verdicts: Verdict[]): string {
  const rows = verdicts.map(({ text, bound, measured, reached, close }) => [
    text,
    bound,
    cell(measured),
    `${reached ? 'yes' : 'NO'}${close ? ' (bound within the interval)' : ''}`,
  ]);
  return `### To reach\n\n${table(['what', 'bound', 'measured', 'reached'], rows)}`;
}

export interface Report {
  machine: Machine;
  versions: Record<string, string>;
  options: BenchOptions;
  results: ScenarioResult[];
  verdicts: Verdict[];
  failures: Failure[];
}

export function markdown(report: Report): string {
  const { machine, versions, options } = report;
  const sections = [
    '## Benchmark',
    [
      `- machine: ${machine.cpuModel}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}; ${machine.busyPercent} % busy before the run`,
      `- versions: ${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}`,
      `- ${options.rounds} rounds, ${options.seconds} s each after ${options.warmupSeconds} s of warm-up, one proxy thread or`,
      `  worker, pin ${options.pin}, seed ${options.seed}; medians with bootstrap 95 % intervals, ratios paired by round`,
      `- TLS of all peers: ${describeTerms({ version: options.tlsVersion, key: options.key })}`,
    ].join('\n'),
    ...report.results.map(scenarioSection),
  ];
  if (report.verdicts.length > 0) sections.push(goalsSection(report.verdicts));
  if (report.failures.length > 0) sections.push(failuresSection(report.failures));
  return `${sections.join('\n\n')}\n`;
}

function failuresSection(failures: Failure[]): string {
  const lines = failures.map(
    ({ scenario, target, round, message }) => `- ${scenario}, ${target}, round ${round + 1}: ${message}`,
  );
  return `### Failed runs\n\n${lines.join('\n')}`;
}
