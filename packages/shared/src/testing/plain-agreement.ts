/**
 * How the readers of plain texts are held to the package `yaml`: they may leave a text to it, but what they read is what
 * it reads. Tests only.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import { parseAllDocuments } from 'yaml';

/** What the package makes of a text: its value without null fields, or undefined when it complains. */
export function byPackage(text: string): unknown {
  const documents = parseAllDocuments(text, { prettyErrors: false, merge: true, strict: true });
  const [document, ...more] = documents as Exclude<typeof documents, { empty: true }>;
  if (document === undefined || more.length > 0) return undefined;
  if (document.errors.length > 0 || document.warnings.length > 0) return undefined;
  return withoutNulls(document.toJS({ maxAliasCount: 0 }));
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([key, field]) => [key, withoutNulls(field)]),
  );
}

/** Whether `read` reads a text; fails when it reads it otherwise than the package. */
export function agrees(read: (text: string) => unknown, text: string): boolean {
  const value = read(text);
  if (value === undefined) return false;
  expect(value, JSON.stringify(text)).toEqual(byPackage(text));
  return true;
}

/** How many of `numRuns` such texts `read` reads; fails when it reads one otherwise than the package. */
export function timesAgreed(
  read: (text: string) => unknown,
  texts: fc.Arbitrary<string>,
  run: { readonly seed: number; readonly numRuns: number },
): number {
  let times = 0;
  const property = fc.property(texts, (text) => {
    if (agrees(read, text)) times++;
  });
  fc.assert(property, run);
  return times;
}

/** Such texts with one to three places cut, and one of `puts` put there. */
export function edited(texts: fc.Arbitrary<string>, puts: readonly string[]): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.integer({ min: 0, max: 3 }),
    put: fc.constantFrom(...puts),
  });
  return fc.tuple(texts, fc.array(edit, { minLength: 1, maxLength: 3 })).map(([whole, edits]) =>
    edits.reduce((text, { at, cut, put }) => {
      const offset = Math.floor(at * text.length);
      return text.slice(0, offset) + put + text.slice(offset + cut);
    }, whole),
  );
}
