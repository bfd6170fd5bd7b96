/**
 * How much work an expression can make, whatever text it is given: the deterministic automaton that RE2 builds of it while
 * it runs, built here as a whole.
 *
 * RE2 takes time in proportion to the text, but one character costs as much as the expression has instructions until its
 * automaton is complete, and `.*x.{20}y` has a state for each of 2^20 texts: a client that sends what was not there before
 * has it built on and on, 100 ms a header, and megabytes. Where the automaton is small it is built once, and a character
 * costs a look-up from then on. Any thread.
 */
import type { RE2JS } from 're2js';

/** Instructions looked at while the automaton is built: some 40 ms, once an expression and worker. */
const EXPRESSION_WORK_MAX = 50_000;
const EXPRESSION_STATES_MAX = 2048;

/** Of re2js, which does not export them. */
const ANCHOR_BOTH = 2;
const BEGIN_OF_TEXT = 4 | 1;

interface State {
  readonly nfaStates: readonly number[];
}

/** Whether the automaton of the expression, for whole texts, has more states or takes more work than is possible. */
export function hasTooManyStates(expression: RE2JS): boolean {
  const { dfa } = expression.re2Input;
  const symbols = [0, ...dfa.classBounds];
  const first = dfa.makeState([dfa.prog.start], BEGIN_OF_TEXT, []) as State | null;
  if (first === null) return true;
  const seen = new Set<State>([first]);
  let work = 0;
  for (const state of seen) {
    work += symbols.length * (1 + state.nfaStates.length);
    if (work > EXPRESSION_WORK_MAX || seen.size > EXPRESSION_STATES_MAX) return true;
    for (const [symbolClass, symbol] of symbols.entries()) {
      const next = dfa.step(state, symbolClass, symbol, ANCHOR_BOTH) as State | null;
      if (next === null) return true;
      seen.add(next);
    }
  }
  return false;
}
