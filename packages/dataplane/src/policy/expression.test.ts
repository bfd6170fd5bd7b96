import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { Expression, literalPrefix } from './expression.js';

/** As the module has it. */
const { RE2JS } = createRequire(import.meta.url)('re2js') as typeof import('re2js');

it.each([
  ['/api/v[0-9]+/.*', '/api/v'],
  ['^/api/.*$', '/api/'],
  ['/a+', '/'],
  ['/ab*', '/a'],
  ['/ab?c', '/a'],
  ['/ab{0,2}', '/a'],
  ['/a(b|c)', '/a'],
  ['/a|/b', ''],
  ['/a(b|c)|/b', ''],
  ['/a\\Q(\\E|/b', ''],
  ['/a[(]|/b', ''],
  ['(?i)/a', ''],
  ['/a(?i)b', '/'],
  ['/a(?i)*b', '/'],
  ['/a\\Q\\E*', '/'],
  ['.*', ''],
  ['/a.b', '/a'],
  ['/a\\.b', '/'],
  ['/a$', '/a'],
  ['*', ''],
  ['', ''],
])('%j begins with %j', (source, prefix) => {
  expect(literalPrefix(source)).toBe(prefix);
});

it('is for the whole text', () => {
  const expression = new Expression('/a|/ab');
  expect(['/a', '/ab', '/abc', 'x/a', '/a\n'].map((text) => expression.matches(text))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

it('is compiled once for all configurations that have it', () => {
  const compile = vi.spyOn(RE2JS, 'compile');
  const again = (source: string): void => void new Expression(source).matches('');
  again('once|twice');
  again('once|twice');
  expect(compile).toHaveBeenCalledTimes(1);
  for (let each = 0; each < 1024; each++) again(`|${each}`);
  compile.mockClear();
  again('|1023');
  again('once|twice');
  expect(compile.mock.calls).toEqual([['once|twice']]);
  compile.mockRestore();
});

it('gives what RE2 gives, whatever it begins with', () => {
  const piece = fc.constantFrom(
    '/',
    'a',
    'b',
    '.',
    '*',
    '+',
    '?',
    '|',
    '(',
    ')',
    '[',
    ']',
    '^',
    '$',
    '\\Q',
    '\\E',
    '\\',
    '{0,1}',
    '(?i)',
    '(?:',
  );
  const source = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  const text = fc.string({ unit: fc.constantFrom('/', 'a', 'b', 'A', '(', '|'), maxLength: 4 });
  let matched = 0;
  fc.assert(
    fc.property(source, fc.array(text, { minLength: 12, maxLength: 12 }), (of, texts) => {
      const compiled = compiledOrNone(of);
      fc.pre(compiled !== undefined);
      const expected = texts.map((each) => compiled?.testExact(each) === true);
      matched += expected.filter((each) => each).length;
      expect(texts.map((each) => new Expression(of).matches(each))).toEqual(expected);
    }),
    { seed: 5, numRuns: 1200, maxSkipsPerRun: 100 },
  );
  expect(matched).toBeGreaterThan(300);
});

function compiledOrNone(source: string): InstanceType<typeof RE2JS> | undefined {
  try {
    return RE2JS.compile(source);
  } catch {
    return undefined;
  }
}

it('takes time in proportion to the text', () => {
  const evil = new Expression('(.*a){20}b');
  const text = `/${'a'.repeat(8000)}`;
  expect([evil.matches(text), evil.matches(`${text}b`)]).toEqual([false, true]);
});
