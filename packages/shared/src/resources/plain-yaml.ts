/**
 * The part of YAML that manifests are mostly written in, read line by line: about ten times as fast as the whole language.
 *
 * Invariant: what is read here is, to the value, what the `yaml` package reads without a word of complaint; anything that is
 * not surely so (flow collections, anchors, tags, block scalars, comments behind values, odd numbers, repeated keys, other
 * characters than printable ASCII) gives undefined, and the caller asks `yaml`. A property test holds one against the
 * other. Any thread.
 */

const STRANGE = /[^ -~\n]/;
const KEY = /^([A-Za-z_][A-Za-z0-9_./-]{0,255}):(?: +(.*))?$/;
const PLAIN = /^[A-Za-z0-9_./][A-Za-z0-9_./:@=+$,%*()~-]*(?: [A-Za-z0-9_./:@=+$,%*()~-]+)*$/;
const PLAIN_NOT = /:(?: |$)/;
const QUOTED = /^(?:"([^"\\]*)"|'([^']*)')$/;
const WHOLE = /^(?:0|[1-9]\d{0,14})$/;
/** Any other text that YAML might take for a number begins like this. */
const NUMERIC = /^[.\d]/;
const NUMBER = /^(?:0o[0-7]+|0x[0-9a-fA-F]+|\.(?:inf|Inf|INF|nan|NaN|NAN)|(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?)$/;
const DEPTH_MAX = 64;

const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ...['null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
]);

/** Not of this part of the language. */
const OTHER = Symbol('other');
type Value = unknown;

/** The mapping that a document is, without its fields that are null; undefined when `yaml` is to be asked. */
export function readPlain(text: string): Record<string, unknown> | undefined {
  if (STRANGE.test(text)) return undefined;
  const lines = linesOf(text);
  if (lines === undefined || lines.length === 0 || lines[0]?.indent !== 0) return undefined;
  const reader = new Reader(lines);
  const value = reader.mapping(0, 0);
  return value === OTHER || !reader.atEnd ? undefined : (value as Record<string, unknown>);
}

interface Line {
  indent: number;
  content: string;
}

/** The lines that say something; a document marker may stand alone at the top. */
function linesOf(text: string): Line[] | undefined {
  const lines: Line[] = [];
  let first = true;
  for (const line of text.split('\n')) {
    const content = line.trim();
    if (content === '' || content.startsWith('#')) continue;
    const marker = line.startsWith('---');
    if (marker && (!first || content !== '---')) return undefined;
    first = false;
    if (!marker) lines.push({ indent: line.length - line.trimStart().length, content });
  }
  return lines;
}

class Reader {
  readonly #lines: readonly Line[];
  #at = 0;

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  get atEnd(): boolean {
    return this.#at === this.#lines.length;
  }

  mapping(indent: number, depth: number): Value | typeof OTHER {
    if (depth > DEPTH_MAX) return OTHER;
    const fields: Record<string, unknown> = {};
    const seen = new Set<string>();
    for (let line = this.#lines[this.#at]; line !== undefined && line.indent === indent; line = this.#lines[this.#at]) {
      const [, key, text] = KEY.exec(line.content) ?? [];
      if (key === undefined || seen.has(key) || key === '__proto__' || WORDS.has(key)) return OTHER;
      seen.add(key);
      this.#at++;
      const value = text === undefined || text === '' ? this.#below(indent, true, depth) : this.#scalar(text, indent);
      if (value === OTHER) return OTHER;
      if (value !== null) fields[key] = value;
    }
    return this.#ends(indent) ? fields : OTHER;
  }

  #sequence(indent: number, depth: number): Value | typeof OTHER {
    if (depth > DEPTH_MAX) return OTHER;
    const items: unknown[] = [];
    for (
      let line = this.#lines[this.#at];
      line !== undefined && line.indent === indent && isItem(line);
      line = this.#lines[this.#at]
    ) {
      const rest = line.content.slice(1).trimStart();
      const value = this.#item(line, rest, depth);
      if (value === OTHER) return OTHER;
      items.push(value);
    }
    return items;
  }

  #item(line: Line, rest: string, depth: number): Value | typeof OTHER {
    const { indent, content } = line;
    if (KEY.test(rest)) {
      // The rest of the line is the first of a mapping's lines.
      line.indent = indent + content.length - rest.length;
      line.content = rest;
      return this.mapping(line.indent, depth + 1);
    }
    this.#at++;
    return rest === '' ? this.#below(indent, false, depth) : this.#scalar(rest, indent);
  }

  /** The collection on the lines below; null when there is none. The items of a key may stand at its own indent. */
  #below(indent: number, ofKey: boolean, depth: number): Value | typeof OTHER {
    const next = this.#lines[this.#at];
    if (next === undefined || next.indent < indent) return null;
    if (next.indent === indent) {
      if (!ofKey || !isItem(next)) return null;
      return this.#sequence(indent, depth + 1);
    }
    if (!isItem(next)) return this.mapping(next.indent, depth + 1);
    const items = this.#sequence(next.indent, depth + 1);
    return this.#ends(next.indent) ? items : OTHER;
  }

  /** A value on one line, which nothing on the next line goes on with. */
  #scalar(text: string, indent: number): Value | typeof OTHER {
    const next = this.#lines[this.#at];
    return next !== undefined && next.indent > indent ? OTHER : scalar(text);
  }

  /** Whether what stands at `indent` is over: nothing deeper or unlike it follows. */
  #ends(indent: number): boolean {
    const next = this.#lines[this.#at];
    return next === undefined || next.indent < indent;
  }
}

function isItem({ content }: Line): boolean {
  return content === '-' || content.startsWith('- ');
}

function scalar(text: string): Value | typeof OTHER {
  if (PLAIN.test(text)) {
    if (NUMERIC.test(text)) {
      if (WHOLE.test(text)) return Number(text);
      if (NUMBER.test(text)) return OTHER;
    }
    if (PLAIN_NOT.test(text)) return OTHER;
    const word = WORDS.get(text);
    return word === undefined ? text : word;
  }
  const [, double, single] = QUOTED.exec(text) ?? [];
  if (double !== undefined) return double;
  if (single !== undefined) return single;
  if (text === '[]') return [];
  return text === '{}' ? {} : OTHER;
}
