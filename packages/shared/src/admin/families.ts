/**
 * Metric families whose samples are read when they are scraped, not kept: the counting is done elsewhere, in shared
 * memory or in C. Here is what there is; exposition.ts makes the page of it.
 *
 * A family with nothing to say still shows its HELP and TYPE. Any process; the thread that scrapes.
 */
import type { Page } from './exposition.js';
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
export type ReadHistogram = () => Iterable<HistogramSample>;

interface Described {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

export interface ValueFamily extends Described {
  readonly type: 'counter' | 'gauge';
  readonly read: Read;
}

export interface HistogramFamily extends Described {
  readonly type: 'histogram';
  /** Upper bounds, the smallest first; the one without end is not named. */
  readonly buckets: readonly number[];
  readonly read: ReadHistogram;
}

export type Family = ValueFamily | HistogramFamily;
export type FamilyDescription = Pick<Family, 'name' | 'type' | 'labels'>;

/** The families of one process, and their page. */
export class Families {
  readonly #families: Family[] = [];
  #page: Promise<Page> | undefined;

  /** In the order of the page. */
  get described(): readonly FamilyDescription[] {
    return this.#families.map(({ name, type, labels }) => ({ name, type, labels }));
  }

  counter(name: string, help: string, labels: readonly string[], read: Read): void {
    this.#families.push({ name, help, type: 'counter', labels, read });
  }

  gauge(name: string, help: string, labels: readonly string[], read: Read): void {
    this.#families.push({ name, help, type: 'gauge', labels, read });
  }

  histogram(
    name: string,
    help: string,
    labels: readonly string[],
    buckets: readonly number[],
    read: ReadHistogram,
  ): void {
    this.#families.push({ name, help, type: 'histogram', labels, buckets, read });
  }

  /** Of the families that there are when it is first asked for. Rejects when a name is not one, or there twice. */
  page(): Promise<Page> {
    this.#page ??= import('./exposition.js').then(({ createPage }) => createPage(this.#families));
    return this.#page;
  }
}

/** `/metrics`. */
export function metricsRoute(families: Families): AdminRoute {
  return {
    method: 'GET',
    path: '/metrics',
    summary: 'metrics for Prometheus',
    handle: async () => {
      const page = await families.page();
      return { ...textAnswer(200, ''), body: await page.text(), contentType: page.contentType };
    },
  };
}
