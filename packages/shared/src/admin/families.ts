/**
 * Metric families whose samples are read when they are scraped, not kept: the counting is done elsewhere, in shared
 * memory or in C, and prom-client gives names, checks and the exposition format.
 *
 * A family with nothing to say still shows its HELP and TYPE. Any process; the thread that scrapes.
 */
import { setImmediate } from 'node:timers/promises';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type AdminRoute, textAnswer } from './server.js';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  /** More labels, in an object that several samples and scrapes share: its text is made once. */
  readonly sharedLabels?: Labels;
  readonly value: number;
}

export interface HistogramSample {
  /** The same object at each scrape, where it can be: its text is made once. */
  readonly labels: Labels;
  /** Observations by bucket, each in one of them; one more than there are bounds. */
  readonly counts: ArrayLike<number>;
  /** In the unit of the bounds. */
  readonly sum: number;
}

/** Without labels: a number, or undefined when there is nothing to say. */
export type Read = () => Iterable<Sample> | number | undefined;

const UNLABELLED: Labels = {};

function samplesOf(read: Read): Sample[] {
  const found = read();
  if (found === undefined) return [];
  return typeof found === 'number' ? [{ labels: UNLABELLED, value: found }] : [...found];
}

class ReadCounter extends Counter {
  readonly #read: Read;
  constructor(name: string, help: string, labelNames: readonly string[], read: Read, registry: Registry) {
    super({ name, help, labelNames, registers: [registry] });
    this.#read = read;
  }
  override async get() {
    return { ...(await super.get()), values: samplesOf(this.#read) };
  }
}

class ReadGauge extends Gauge {
  readonly #read: Read;
  constructor(name: string, help: string, labelNames: readonly string[], read: Read, registry: Registry) {
    super({ name, help, labelNames, registers: [registry] });
    this.#read = read;
  }
  override async get() {
    return { ...(await super.get()), values: samplesOf(this.#read) };
  }
}

interface HistogramLine {
  readonly metricName: string;
  readonly labels: Labels;
  readonly sharedLabels: Labels;
  readonly value: number;
}

class ReadHistogram extends Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly Labels[];
  readonly #read: () => Iterable<HistogramSample>;

  constructor(
    name: string,
    help: string,
    labelNames: readonly string[],
    buckets: readonly number[],
    read: () => Iterable<HistogramSample>,
    registry: Registry,
  ) {
    super({ name, help, labelNames, buckets: [...buckets], registers: [registry] });
    this.#name = name;
    this.#help = help;
    this.#bounds = [...buckets.map((bound) => ({ le: String(bound) })), { le: '+Inf' }];
    this.#read = read;
  }

  /** What the registry asks for, where a metric has it: labels that several samples share are formatted once. */
  async getForPromString() {
    const values: HistogramLine[] = [];
    for (const sample of this.#read()) this.#add(values, sample);
    return { name: this.#name, help: this.#help, type: 'histogram', aggregator: 'sum', values };
  }

  #add(lines: HistogramLine[], { labels: sharedLabels, counts, sum }: HistogramSample): void {
    let value = 0;
    this.#bounds.forEach((labels, place) => {
      value += counts[place] ?? 0;
      lines.push({ metricName: `${this.#name}_bucket`, labels, sharedLabels, value });
    });
    lines.push({ metricName: `${this.#name}_sum`, labels: UNLABELLED, sharedLabels, value: sum });
    lines.push({ metricName: `${this.#name}_count`, labels: UNLABELLED, sharedLabels, value });
  }
}

export interface FamilyDescription {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
}

/** The families of one process, and their page. */
export class Families {
  readonly #registry = new Registry();
  readonly #described: FamilyDescription[] = [];

  /** In the order of the page. */
  get described(): readonly FamilyDescription[] {
    return this.#described;
  }

  counter(name: string, help: string, labels: readonly string[], read: Read): void {
    new ReadCounter(name, help, labels, read, this.#registry);
    this.#described.push({ name, type: 'counter', labels });
  }

  gauge(name: string, help: string, labels: readonly string[], read: Read): void {
    new ReadGauge(name, help, labels, read, this.#registry);
    this.#described.push({ name, type: 'gauge', labels });
  }

  histogram(
    name: string,
    help: string,
    labels: readonly string[],
    buckets: readonly number[],
    read: () => Iterable<HistogramSample>,
  ): void {
    new ReadHistogram(name, help, labels, buckets, read, this.#registry);
    this.#described.push({ name, type: 'histogram', labels });
  }

  /**
   * The page in the text exposition format, version 0.0.4. Family after family, with the event loop's other work in
   * between: thousands of series take a while.
   */
  async page(): Promise<string> {
    const families: string[] = [];
    for (const { name } of this.#described) {
      families.push(await this.#registry.getSingleMetricAsString(name));
      await setImmediate();
    }
    return `${families.join('\n')}\n`;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}

/** `/metrics`. */
export function metricsRoute(families: Families): AdminRoute {
  const { contentType } = families;
  return {
    method: 'GET',
    path: '/metrics',
    summary: 'metrics for Prometheus',
    handle: async () => ({ ...textAnswer(200, ''), body: await families.page(), contentType }),
  };
}
