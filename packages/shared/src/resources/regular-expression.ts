/**
 * The dialect of RegularExpression matches: RE2, whose matching takes time in proportion to the text, whatever the expression.
 *
 * What backtracks (backreferences, look-around) is not in the dialect. Compiled here only to be checked. The time for a text
 * also grows with what the expression compiles to: a hundred `.{0,1000}` would hold a worker for minutes over one path. So
 * that has a bound, beside the length and RE2's own bound of 1000 repetitions, and so has the automaton that is made of it
 * (expression-states.ts). The package is loaded with the first expression. Any thread.
 */
import { createRequire } from 'node:module';
import { hasTooManyStates } from './expression-states.js';
import { wrong } from './schema.js';

export const REGEX_LENGTH_MAX = 1024;
/** Instructions of the compiled expression: any that has no repetitions fits. */
export const REGEX_PROGRAM_MAX = 1200;

const require = createRequire(import.meta.url);

const TOO_MANY_STATES = wrong(
  'can be in too many states at once to be matched in bounded time',
  'a counted repetition behind .* makes it so, as in .*a.{20}: write [^/]* for .*, or * for the count',
);

/** What is wrong with an expression, with the hint; undefined when it compiles. */
export function regexFault(text: string): string | undefined {
  if (text.length > REGEX_LENGTH_MAX) return wrong(`is longer than ${REGEX_LENGTH_MAX} characters`);
  const { RE2JS } = require('re2js') as typeof import('re2js');
  try {
    const expression = RE2JS.compile(text);
    const size = expression.programSize();
    if (size > REGEX_PROGRAM_MAX) {
      return wrong(
        `compiles to ${size} instructions, and at most ${REGEX_PROGRAM_MAX} are possible`,
        'repetitions like {0,1000} count as often as they say',
      );
    }
    return hasTooManyStates(expression) ? TOO_MANY_STATES : undefined;
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'it does not compile';
    return wrong(
      `is not a regular expression of RE2: ${reason.replace(/\s+/g, ' ')}`,
      'RE2 has no backreferences and no look-around',
    );
  }
}
