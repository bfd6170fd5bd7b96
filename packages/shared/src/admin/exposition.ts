/**
 * The text exposition format of Prometheus, version 0.0.4: what a sample and a histogram look like on the page.
 *
 * Invariant: no text that a label or a help line holds can end its line or its quotation. Pure; any thread.
 */

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

const NO_LABELS: Labels = {};
/** Texts of labels by their object. */
const sharedTexts = new WeakMap<Labels, string>();

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function labelsText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeHelp(value).replaceAll('"', '\\"')}"`)
    .join(',');
}

function sharedText(labels: Labels): string {
  let text = sharedTexts.get(labels);
  if (text === undefined) {
    text = labelsText(labels);
    sharedTexts.set(labels, text);
  }
  return text;
}

function valueText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

/** The two lines that every family begins with. */
export function headLines(name: string, help: string, type: string): readonly string[] {
  return [`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`];
}

function line(name: string, own: string, shared: string, value: number): string {
  const text = own === '' || shared === '' ? own + shared : `${own},${shared}`;
  return `${name}${text === '' ? '' : `{${text}}`} ${valueText(value)}`;
}

/** `labels` and `sharedLabels` have no name in common. */
export function sampleLine(name: string, { labels, sharedLabels = NO_LABELS, value }: Sample): string {
  return line(name, labelsText(labels), sharedText(sharedLabels), value);
}

/** `bounds`: the label `le` of each bucket, `+Inf` the last; the same objects at each scrape. */
export function* bucketLines(
  name: string,
  bounds: readonly Labels[],
  { labels, counts, sum }: HistogramSample,
): Generator<string> {
  const text = sharedText(labels);
  let value = 0;
  for (const [place, bound] of bounds.entries()) {
    value += counts[place] ?? 0;
    yield line(`${name}_bucket`, sharedText(bound), text, value);
  }
  yield line(`${name}_sum`, '', text, sum);
  yield line(`${name}_count`, '', text, value);
}
