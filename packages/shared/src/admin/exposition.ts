/**
 * The page of metric families, by prom-client: it gives the checks of names and the exposition format. Loaded with the first
 * scrape: it takes 50 ms to load, which a process that nobody scrapes need not spend.
 *
 * Samples are read when they are scraped, not kept. Any process; the thread that scrapes.
 */
import { setImmediate } from 'node:timers/promises';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Family, HistogramFamily, HistogramSample, Labels, Read, Sample, ValueFamily } from './families.js';

const UNLABELLED: Labels = {};

function samplesOf(read: Read): Sample[] {
  const found = read();
  if (found === undefined) return [];
  return typeof found === 'number' ? [{ labels: UNLABELLED, value: found }] : [...found];
}

function optionsOf({ name, help, labels }: Family, registry: Registry) {
  return { name, help, labelNames: labels, registers: [registry] };
}

class ReadCounter extends Counter {
  readonly #read: Read;
  constructor(family: ValueFamily, registry: Registry) {
    super(optionsOf(family, registry));
    this.#read = family.read;
  }
  override async get() {
    return { ...(await super.get()), values: samplesOf(this.#read) };
  }
}

class ReadGauge extends Gauge {
  readonly #read: Read;
  constructor(family: ValueFamily, registry: Registry) {
    super(optionsOf(family, registry));
    this.#read = family.read;
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
  readonly #family: HistogramFamily;
  readonly #bounds: readonly Labels[];

  constructor(family: HistogramFamily, registry: Registry) {
    super({ ...optionsOf(family, registry), buckets: [...family.buckets] });
    this.#family = family;
    this.#bounds = [...family.buckets.map((bound) => ({ le: String(bound) })), { le: '+Inf' }];
  }

  /** What the registry asks for, where a metric has it: labels that several samples share are formatted once. */
  async getForPromString() {
    const { name, help, read } = this.#family;
    const values: HistogramLine[] = [];
    for (const sample of read()) this.#add(values, sample);
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }

  #add(lines: HistogramLine[], { labels: sharedLabels, counts, sum }: HistogramSample): void {
    const { name } = this.#family;
    let value = 0;
    this.#bounds.forEach((labels, place) => {
      value += counts[place] ?? 0;
      lines.push({ metricName: `${name}_bucket`, labels, sharedLabels, value });
    });
    lines.push({ metricName: `${name}_sum`, labels: UNLABELLED, sharedLabels, value: sum });
    lines.push({ metricName: `${name}_count`, labels: UNLABELLED, sharedLabels, value });
  }
}

function register(family: Family, registry: Registry): void {
  if (family.type === 'histogram') new ReadHistogram(family, registry);
  else if (family.type === 'counter') new ReadCounter(family, registry);
  else new ReadGauge(family, registry);
}

export interface Page {
  readonly contentType: string;
  /**
   * The text exposition format, version 0.0.4. Family after family, with the event loop's other work in between: thousands of
   * series take a while.
   */
  text(): Promise<string>;
}

export function createPage(families: readonly Family[]): Page {
  const registry = new Registry();
  for (const family of families) register(family, registry);
  return {
    contentType: registry.contentType,
    text: async () => {
      const parts: string[] = [];
      for (const { name } of families) {
        parts.push(await registry.getSingleMetricAsString(name));
        await setImmediate();
      }
      return `${parts.join('\n')}\n`;
    },
  };
}
