/**
 * The dialect of RegularExpression matches: RE2, whose matching takes time in proportion to the text, whatever the expression.
 *
 * What backtracks (backreferences, look-around) is not in the dialect. Compiled here only to be checked; length and RE2's
 * own bound of 1000 repetitions bound the size of what the workers compile. Any thread.
 */
import { RE2JS } from 're2js';
import { wrong } from './schema.js';

export const REGEX_LENGTH_MAX = 1024;

/** What is wrong with an expression, with the hint; undefined when it compiles. */
export function regexFault(text: string): string | undefined {
  if (text.length > REGEX_LENGTH_MAX) return wrong(`is longer than ${REGEX_LENGTH_MAX} characters`);
  try {
    RE2JS.compile(text);
    return undefined;
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'it does not compile';
    return wrong(
      `is not a regular expression of RE2: ${reason.replace(/\s+/g, ' ')}`,
      'RE2 has no backreferences and no look-around',
    );
  }
}
