/**
 * Metric families whose samples are read when they are scraped, not kept: the counting is done elsewhere, in shared
 * memory or in C; here are names, checks and the page.
 *
 * A family with nothing to say still shows its HELP and TYPE. Any process; the thread that scrapes.
 */
import { setImmediate } from 'node:timers/promises';
import { bucketLines, type HistogramSample, headLines, type Labels, type Sample, sampleLine } from './exposition.js';
import { type AdminRoute, textAnswer } from './server.js';

/** Without labels: a number, or undefined when there is nothing to say. */
export type Read = () => Iterable<Sample> | number | undefined;

const UNLABELLED: Labels = {};
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export interface FamilyDescription {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
}

interface Family extends FamilyDescription {
  readonly help: string;
  /** Its lines behind HELP and TYPE, as they are now. */
  readonly lines: () => Iterable<string>;
}

function* samplesOf(name: string, read: Read): Generator<string> {
  const found = read();
  if (found === undefined) return;
  const samples = typeof found === 'number' ? [{ labels: UNLABELLED, value: found }] : found;
  for (const sample of samples) yield sampleLine(name, sample);
}

function* bucketsOf(name: string, bounds: readonly Labels[], read: () => Iterable<HistogramSample>): Generator<string> {
  for (const sample of read()) yield* bucketLines(name, bounds, sample);
}

/** The families of one process, and their page. */
export class Families {
  readonly #families: Family[] = [];

  /** In the order of the page. */
  get described(): readonly FamilyDescription[] {
    return this.#families.map(({ name, type, labels }) => ({ name, type, labels }));
  }

  counter(name: string, help: string, labels: readonly string[], read: Read): void {
    this.#add({ name, help, type: 'counter', labels, lines: () => samplesOf(name, read) });
  }

  gauge(name: string, help: string, labels: readonly string[], read: Read): void {
    this.#add({ name, help, type: 'gauge', labels, lines: () => samplesOf(name, read) });
  }

  /** `buckets`: upper bounds, the smallest first; the one without end is not named. */
  histogram(
    name: string,
    help: string,
    labels: readonly string[],
    buckets: readonly number[],
    read: () => Iterable<HistogramSample>,
  ): void {
    const bounds = [...buckets.map((bound) => ({ le: String(bound) })), { le: '+Inf' }];
    this.#add({ name, help, type: 'histogram', labels, lines: () => bucketsOf(name, bounds, read) });
  }

  #add(family: Family): void {
    const { name, labels } = family;
    if (!NAME.test(name)) throw new Error(`${name} is not the name of a metric`);
    const wrong = labels.find((label) => !LABEL.test(label));
    if (wrong !== undefined) throw new Error(`${wrong} is not the name of a label`);
    if (this.#families.some((known) => known.name === name)) throw new Error(`there is a metric ${name} already`);
    this.#families.push(family);
  }

  /**
   * The page in the text exposition format, version 0.0.4. Family after family, with the event loop's other work in
   * between: thousands of series take a while.
   */
  async page(): Promise<string> {
    const pages: string[] = [];
    for (const { name, help, type, lines } of this.#families) {
      pages.push([...headLines(name, help, type), ...lines()].join('\n'));
      await setImmediate();
    }
    return `${pages.join('\n')}\n`;
  }
}

/** `/metrics`. */
export function metricsRoute(families: Families): AdminRoute {
  return {
    method: 'GET',
    path: '/metrics',
    summary: 'metrics for Prometheus',
    handle: async () => ({ ...textAnswer(200, ''), body: await families.page(), contentType: CONTENT_TYPE }),
  };
}
