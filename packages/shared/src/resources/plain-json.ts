/**
 * Documents that are JSON, read by the engine's own parser: `kubectl get -o json`, and what programs write.
 *
 * Invariant: as in plain-yaml.ts, what is read here is, to the value, what the `yaml` package reads without a word of
 * complaint; where that is not sure (repeated and peculiar keys, escapes, large numbers, deep nesting, other
 * characters than printable ASCII) undefined is given, and the caller asks `yaml`. Any thread.
 */

const STRANGE = /[^ -~\n]/;
/** A document marker may stand alone at the top. */
const MARKER = /^(?:---\n)?\s*/;
const STRING = /"[^"\\\n]*"/g;
/** Outside of strings: a key that ends on another line, a number that is not exact. */
const ODD_OUTSIDE = /\n *:|\d{16}/;
const KEY = /^[A-Za-z_][A-Za-z0-9_./-]{0,255}$/;
const DEPTH_MAX = 64;

/** The mapping that a document is, without its fields that are null; undefined when `yaml` is to be asked. */
export function readJson(text: string): Record<string, unknown> | undefined {
  const body = text.replace(MARKER, '');
  if (!body.startsWith('{') || STRANGE.test(body) || body.includes('\\')) return undefined;
  const outside = body.replace(STRING, '""');
  if (ODD_OUTSIDE.test(outside)) return undefined;
  try {
    const counter = { keys: 0 };
    const value = plain(JSON.parse(body), counter, 0);
    // A key that stands there twice has left one trace.
    return counter.keys === outside.split(':').length - 1 ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Throws for what only `yaml` can say. */
function plain(value: unknown, counter: { keys: number }, depth: number): unknown {
  if (depth > DEPTH_MAX) throw new Error('deep');
  if (Array.isArray(value)) return value.map((item) => plain(item, counter, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  const fields: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    if (!KEY.test(key) || key === '__proto__') throw new Error('key');
    counter.keys++;
    if (field !== null) fields[key] = plain(field, counter, depth + 1);
  }
  return fields;
}
