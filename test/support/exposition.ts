/**
 * A strict reader of the Prometheus text format 0.0.4: what it does not complain about, a scraper takes.
 *
 * Stricter than the format where the format allows what we never mean: HELP and TYPE of every family, once, in this
 * order, before its samples; no timestamps; counters end in `_total`; every series once.
 */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly series: Series[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\\\n]|\\\\[\\\\"n])*)"';
const LABELS = new RegExp(LABEL, 'g');
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (\\S+)$`);
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[+-]Inf|NaN)$/i;
const TYPES = ['counter', 'gauge', 'histogram'];
const SUFFIXES = ['_bucket', '_sum', '_count'];

function numberOf(text: string): number {
  if (!NUMBER.test(text)) throw new Error(`no number: ${text}`);
  return /^[+-]Inf$/.test(text) ? Number(`${text}inity`) : Number(text);
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(LABELS)) {
    if (name in labels) throw new Error(`label ${name} twice`);
    labels[name] = unescaped(value);
  }
  return labels;
}

function seriesOf(line: string): Series {
  const match = SAMPLE.exec(line);
  if (match === null) throw new Error(`no sample: ${line}`);
  return { name: match[1] ?? '', labels: labelsOf(match[2] ?? ''), value: numberOf(match.at(-1) ?? '') };
}

function keyOf(labels: Readonly<Record<string, string>>, without = ''): string {
  const pairs = Object.entries(labels).filter(([name]) => name !== without);
  return JSON.stringify(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function checkHistogram({ name, series }: Family): void {
  const named = (suffix: string): Series[] => series.filter((each) => each.name === name + suffix);
  const counts = new Map(named('_count').map(({ labels, value }) => [keyOf(labels), value]));
  const last = new Map<string, { le: number; value: number }>();
  for (const { labels, value } of named('_bucket')) {
    const key = keyOf(labels, 'le');
    const le = numberOf(labels.le ?? '');
    const before = last.get(key) ?? { le: Number.NEGATIVE_INFINITY, value: 0 };
    if (le <= before.le || value < before.value) throw new Error(`${name}: buckets of ${key} do not grow`);
    last.set(key, { le, value });
  }
  for (const [key, { le, value }] of last) {
    if (le !== Number.POSITIVE_INFINITY || counts.get(key) !== value) throw new Error(`${name}: count of ${key}`);
  }
  if (named('_sum').length !== counts.size || last.size !== counts.size) throw new Error(`${name}: parts are missing`);
}

function checkFamily(family: Family): void {
  const { name, type, series } = family;
  if (!TYPES.includes(type)) throw new Error(`${name}: type ${type}`);
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is a ${type}`);
  const seen = new Set(series.map((each) => each.name + keyOf(each.labels)));
  if (seen.size !== series.length) throw new Error(`${name}: a series twice`);
  if (type !== 'gauge' && series.some(({ value }) => !(value >= 0))) throw new Error(`${name}: a value below 0`);
  if (type === 'histogram') checkHistogram(family);
}

function belongs({ name, type }: Family, sample: string): boolean {
  return type === 'histogram' ? SUFFIXES.some((suffix) => sample === name + suffix) : sample === name;
}

export class Exposition {
  readonly families = new Map<string, Family>();

  /** Throws an error that names what is wrong. */
  constructor(page: string) {
    if (!page.endsWith('\n') || page.includes('\r')) throw new Error('lines end with a line feed');
    let help: RegExpExecArray | null = null;
    let family: Family | undefined;
    for (const line of page.split('\n').filter((each) => each !== '')) {
      if (line.startsWith('# HELP ')) help = /^# HELP (\S+) (\S.*)$/.exec(line);
      else if (line.startsWith('# TYPE ')) family = this.#open(line, help);
      else this.#add(family, seriesOf(line));
    }
    for (const each of this.families.values()) checkFamily(each);
  }

  #open(line: string, help: RegExpExecArray | null): Family {
    const [, name = '', type = ''] = /^# TYPE (\S+) (\w+)$/.exec(line) ?? [];
    if (help?.[1] !== name || this.families.has(name)) throw new Error(`not in order: ${line}`);
    const family = { name, help: help[2] ?? '', type, series: [] };
    this.families.set(name, family);
    return family;
  }

  #add(family: Family | undefined, series: Series): void {
    if (family === undefined || !belongs(family, series.name)) throw new Error(`${series.name} is in the wrong place`);
    family.series.push(series);
  }

  /** The series of this name that have these labels, among others. */
  series(name: string, labels: Readonly<Record<string, string>> = {}): readonly Series[] {
    const family = this.families.get(name) ?? this.families.get(name.replace(/_(bucket|sum|count)$/, ''));
    if (family === undefined) throw new Error(`there is no ${name}`);
    const wanted = Object.entries(labels);
    return family.series.filter(
      (each) => each.name === name && wanted.every(([key, value]) => each.labels[key] === value),
    );
  }

  /** The sum of the series that have these labels, among others; 0 without any. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.series(name, labels).reduce((sum, { value }) => sum + value, 0);
  }
}
