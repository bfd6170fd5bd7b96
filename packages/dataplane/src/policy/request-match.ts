/**
 * A request seen the way the conditions of matches ask for it (conditions.ts).
 *
 * Invariant: fields and query are read a fixed number of times for a request, and only when a match asks for them, so that
 * the cost of a match does not grow with the head. Nothing here throws, whatever the request holds. Pure; runs in the workers.
 */
import type { Expression } from './expression.js';
import type { RequestHead } from './head.js';

/** The parts of a request head that conditions are about. */
export type AskedRequest = Pick<RequestHead, 'method' | 'fields' | 'query'>;

const NOTHING: AskedRequest = { method: '', fields: [], query: undefined };

/** Headers that are looked for in the fields one by one; when more are asked for, they are put in a map once. */
const ASKED_MAX = 4;

/**
 * Characters that the expressions tried for one request look at, all together: 1 ms of a worker that has streams to serve.
 * A path of 60 characters leaves 700 expressions, a cookie of 4 KiB 15.
 */
export const EXPRESSION_CHARACTERS_MAX = 65_536;
/** What an expression counts for beside its text. */
const EXPRESSION_CHARACTERS = 32;

/** One request after the other, so that routing by path alone allocates nothing. */
export class RequestView {
  #request = NOTHING;
  /** Headers that were asked for so far. */
  #asked = 0;
  /** Characters that expressions may still look at; below 0 one was not run. */
  #charactersLeft = EXPRESSION_CHARACTERS_MAX;
  #headers: Map<string, string> | undefined;
  #parameters: Map<string, string> | undefined;
  /** Decoded values of those parameters that were asked for. */
  #values: Map<string, string | undefined> | undefined;

  /** Turns to a request; without one, keeps nothing of the last. */
  show(request: AskedRequest = NOTHING): void {
    this.#request = request;
    this.#asked = 0;
    this.#charactersLeft = EXPRESSION_CHARACTERS_MAX;
    this.#headers = undefined;
    this.#parameters = undefined;
    this.#values = undefined;
  }

  /** Whether an expression was left out because those before it had looked at too much: what was found may be wrong then. */
  get exhausted(): boolean {
    return this.#charactersLeft < 0;
  }

  /** Whether an expression matches a text of this request, as long as there is not too much to look at. */
  matches(expression: Expression, text: string): boolean {
    if (!expression.mayMatch(text)) return false;
    if (this.#charactersLeft >= 0) this.#charactersLeft -= text.length + EXPRESSION_CHARACTERS;
    return this.#charactersLeft >= 0 && expression.matches(text);
  }

  get method(): string {
    return this.#request.method;
  }

  get fields(): AskedRequest['fields'] {
    return this.#request.fields;
  }

  /** Whether no field before this one has its name. */
  isFirst(index: number): boolean {
    const { fields } = this.#request;
    return fields.findIndex(({ lowerName }) => lowerName === fields[index]?.lowerName) === index;
  }

  /** Value of a header by its lower-case name, several lines of it as one. */
  header(lowerName: string): string | undefined {
    if (this.#headers === undefined && this.#asked++ < ASKED_MAX) return valueIn(this.#request.fields, lowerName);
    this.#headers ??= combined(this.#request.fields);
    return this.#headers.get(lowerName);
  }

  /** Values of the first parameter of each name, not decoded; the names are. */
  get parameters(): ReadonlyMap<string, string> {
    this.#parameters ??= firstParameters(this.#request.query ?? '');
    return this.#parameters;
  }

  /** Value of the first parameter of this name, decoded; undefined also when its escapes are not valid UTF-8. */
  parameter(name: string): string | undefined {
    this.#values ??= new Map();
    if (this.#values.has(name)) return this.#values.get(name);
    const raw = this.parameters.get(name);
    const value = raw === undefined ? undefined : decodedValue(raw);
    this.#values.set(name, value);
    return value;
  }
}

/** Value of one header, as in `combined`. */
function valueIn(fields: AskedRequest['fields'], name: string): string | undefined {
  let found: string | undefined;
  for (const { lowerName, value } of fields) if (lowerName === name) found = joined(found, lowerName, value);
  return found;
}

/**
 * The standard leaves repeated headers to the implementation and points at RFC 7230 3.2.2 (now RFC 9110 5.3): lines of
 * one name mean the same as one line with their values in order, joined by a comma and a space. So a match cannot be
 * met by one line while the backend goes by another. Cookie lines are joined by a semicolon (RFC 9113 8.2.3).
 */
function combined(fields: AskedRequest['fields']): Map<string, string> {
  const headers = new Map<string, string>();
  for (const { lowerName, value } of fields) {
    headers.set(lowerName, joined(headers.get(lowerName), lowerName, value));
  }
  return headers;
}

function joined(before: string | undefined, lowerName: string, value: string): string {
  if (before === undefined) return value;
  return `${before}${lowerName === 'cookie' ? '; ' : ', '}${value}`;
}

/**
 * Raw value of each parameter, the first of a name, as the standard recommends (HTTPQueryParamMatch.Name). Parameters end
 * at `&` alone, as in the URL standard; one without `=` has an empty value, which no match can want.
 */
function firstParameters(query: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const parameter of query.split('&')) {
    const equals = parameter.indexOf('=');
    const name = decodedName(equals < 0 ? parameter : parameter.slice(0, equals));
    if (!parameters.has(name)) parameters.set(name, equals < 0 ? '' : parameter.slice(equals + 1));
  }
  return parameters;
}

/** Decoded once, one byte a character: names that can be wanted are ASCII. What is no valid escape stays as it is. */
function decodedName(name: string): string {
  if (!name.includes('%')) return name;
  return name.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/**
 * Decoded once, as UTF-8. A `+` stays one: it is a character of the query like any other (RFC 3986 3.4), and a space only
 * in what an HTML form sends; write `%20` for a space. A value with a broken escape is none that a match could mean.
 */
function decodedValue(value: string): string | undefined {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
