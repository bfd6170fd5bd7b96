/**
 * A YAML file cut into its documents, as text.
 *
 * A line that begins with `---` begins a document wherever it stands (YAML 1.2, 9.1.2: no content may contain one), so each
 * can be read by itself: most of them quickly, and with positions only those of which something must be said. A file with
 * directives or explicit ends is left whole. Any thread.
 */

export interface DocumentText {
  readonly text: string;
  /** Lines of the file before its first. */
  readonly linesBefore: number;
}

const MARKER = /^---(?=[ \t\r\n]|$)/gm;
const UNUSUAL = /^(?:%|\.\.\.)/m;
/** Other line breaks than `\n` and `\r\n`: what a line is, `yaml` must say. */
const LINE_BREAKS = /\r(?!\n)/;

/** The documents in their order; those that say nothing may be among them. */
export function splitDocuments(text: string): DocumentText[] {
  if (UNUSUAL.test(text) || LINE_BREAKS.test(text)) return [{ text, linesBefore: 0 }];
  const starts = [...text.matchAll(MARKER)].map(({ index }) => index).filter((index) => index > 0);
  const bounds = [0, ...starts, text.length];
  const documents: DocumentText[] = [];
  let linesBefore = 0;
  for (let index = 1; index < bounds.length; index++) {
    const part = text.slice(bounds[index - 1], bounds[index]);
    documents.push({ text: part, linesBefore });
    linesBefore += lineBreaks(part);
  }
  return documents;
}

function lineBreaks(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
