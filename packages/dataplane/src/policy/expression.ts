/**
 * Expressions of matches: RE2, for the whole text, compiled when they are first needed.
 *
 * Invariant: the time for a text is in proportion to its length (no backtracking), about 10 ns a character: the compiler of
 * the configuration takes none whose automaton is large (shared/resources/expression-states.ts). What an expression begins with
 * literally is compared before it is run, so that of hundreds of path expressions few are. The package is loaded with the
 * first configuration that has one. Runs in the workers.
 */
import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';

const require = createRequire(import.meta.url);

function re2(): typeof RE2JS {
  return (require('re2js') as typeof import('re2js')).RE2JS;
}

/** Characters that stand for themselves wherever they are outside of a class. */
const LITERAL = /^\^?([A-Za-z0-9/_~%=&,;:@!<>-]*)(.{0,2})/s;
/**
 * What cannot say how often the character before it stands there. Everything else may: `*`, but also groups and quotations
 * of nothing, `(?i)` and `\Q\E`, which a `*` behind them passes over.
 */
const SEPARATE = /^(?:$|[.[$^]|\((?!\?))/;

/**
 * What every text that the expression matches as a whole begins with; '' when that is not plain to see, as with
 * alternatives, whose bars are only told apart from others where nothing is escaped or in a class.
 */
export function literalPrefix(source: string): string {
  if (source.includes('|') && (/[\\[]/.test(source) || hasOuterBar(source))) return '';
  const [, literal = '', next = ''] = LITERAL.exec(source) ?? [];
  return SEPARATE.test(next) ? literal : literal.slice(0, -1);
}

/** Whether a bar stands outside of all groups. */
function hasOuterBar(source: string): boolean {
  let depth = 0;
  for (const character of source) {
    if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === '|' && depth === 0) return true;
  }
  return false;
}

/**
 * Compiled expressions by source: a configuration that replaces another has most of its expressions, and 300 of them hold
 * the first request that asks for them for 0.1 s. The oldest go first.
 */
const COMPILED = new Map<string, RE2JS>();
const COMPILED_MAX = 1024;

function compiled(source: string): RE2JS {
  let expression = COMPILED.get(source);
  if (expression === undefined) {
    expression = re2().compile(source);
    for (const oldest of COMPILED.keys()) {
      if (COMPILED.size < COMPILED_MAX) break;
      COMPILED.delete(oldest);
    }
    COMPILED.set(source, expression);
  }
  return expression;
}

export class Expression {
  readonly #source: string;
  readonly #prefix: string;
  #compiled: RE2JS | undefined;

  /** The compiler of the configuration has seen that it is valid. */
  constructor(source: string) {
    // Not with the first request that asks for it, which may come when there is no descriptor left.
    re2();
    this.#source = source;
    this.#prefix = literalPrefix(source);
  }

  /** Whether it has to be run to know. */
  mayMatch(text: string): boolean {
    return text.startsWith(this.#prefix);
  }

  /** Whether it matches the whole text. */
  matches(text: string): boolean {
    if (!this.mayMatch(text)) return false;
    this.#compiled ??= compiled(this.#source);
    return this.#compiled.testExact(text);
  }
}
