/**
 * Load reports of backends (ORCA): the value of an `endpoint-load-metrics` field, as text or as JSON.
 *
 * `cpu_utilization=0.3, rps_fractional=10.0`, the same behind `TEXT `, or `JSON {"cpuUtilization": 0.3, …}` with the
 * names of either kind. Strict about values (finite, not negative, each name once), lenient about names: what a newer
 * backend says besides is passed over. Bounded by `REPORT_CHARACTERS_MAX` and `METRICS_MAX`. Pure.
 */
import { trimBlanks } from './fields.js';

export interface LoadReport {
  /** Utilizations, 1 for all that there is; it may be more. 0 when it was not reported. */
  readonly cpu: number;
  readonly memory: number;
  readonly application: number;
  /** Requests and errors, per second. */
  readonly rps: number;
  readonly eps: number;
  /** `named_metrics.*`, without that prefix. */
  readonly named: ReadonlyMap<string, number>;
}

const REPORT_CHARACTERS_MAX = 4096;
const METRICS_MAX = 64;
const NAMED_PREFIX = 'named_metrics.';
/** A JSON number, or one that begins or ends with its point. */
const NUMBER = /^(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Names of JSON members, as in text. */
const TEXT_NAMES: ReadonlyMap<string, string> = new Map([
  ['cpuUtilization', 'cpu_utilization'],
  ['memUtilization', 'mem_utilization'],
  ['applicationUtilization', 'application_utilization'],
  ['rpsFractional', 'rps_fractional'],
]);

/** undefined when the value is malformed. */
export function parseLoadReport(value: string): LoadReport | undefined {
  if (value.length > REPORT_CHARACTERS_MAX) return undefined;
  const metrics = value.startsWith('JSON ') ? jsonMetrics(value.slice(5)) : textMetrics(value);
  return metrics === undefined ? undefined : reportOf(metrics);
}

function reportOf(metrics: ReadonlyMap<string, number>): LoadReport {
  const named = new Map<string, number>();
  for (const [name, value] of metrics) {
    if (name.startsWith(NAMED_PREFIX)) named.set(name.slice(NAMED_PREFIX.length), value);
  }
  return {
    cpu: metrics.get('cpu_utilization') ?? 0,
    memory: metrics.get('mem_utilization') ?? 0,
    application: metrics.get('application_utilization') ?? 0,
    rps: metrics.get('rps_fractional') ?? 0,
    eps: metrics.get('eps') ?? 0,
    named,
  };
}

function textMetrics(value: string): ReadonlyMap<string, number> | undefined {
  const metrics = new Map<string, number>();
  const list = value.startsWith('TEXT ') ? value.slice(5) : value;
  for (const item of list.split(',', METRICS_MAX + 1)) {
    // The reference writes `=`; Envoy's text form has `:`.
    const at = item.search(/[=:]/);
    const name = trimBlanks(item.slice(0, Math.max(0, at)));
    const number = trimBlanks(item.slice(at + 1));
    if (!NUMBER.test(number) || !add(metrics, name, Number(number))) return undefined;
  }
  return metrics;
}

function jsonMetrics(value: string): ReadonlyMap<string, number> | undefined {
  const report = parseObject(value);
  if (report === undefined) return undefined;
  const metrics = new Map<string, number>();
  for (const [name, member] of Object.entries(report)) {
    const added =
      name === 'namedMetrics' || name === 'named_metrics'
        ? addNamed(metrics, member)
        : typeof member !== 'number' || add(metrics, TEXT_NAMES.get(name) ?? name, member);
    if (!added) return undefined;
  }
  return metrics;
}

function addNamed(metrics: Map<string, number>, member: unknown): boolean {
  if (!isObject(member)) return false;
  return Object.entries(member).every(
    ([name, value]) => typeof value === 'number' && name !== '' && add(metrics, NAMED_PREFIX + name, value),
  );
}

/** False when the metric is not one, comes twice, or is one too many. */
function add(metrics: Map<string, number>, name: string, value: number): boolean {
  if (name === '' || name === NAMED_PREFIX || !Number.isFinite(value) || value < 0) return false;
  if (metrics.has(name) || metrics.size === METRICS_MAX) return false;
  metrics.set(name, value);
  return true;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
