/**
 * Paths that gateway and backend could read in two ways: refused, or resolved where the listener says so.
 *
 * Invariant: routing sees exactly the path that is forwarded, and a path that passes holds no dot segment (none with
 * parameters either: `..;` is one to Java servers), no empty segment, no backslash, no encoded slash, backslash or control
 * character, no overlong UTF-8, and no encoded character that need not be. What is resolved is resolved once: what comes
 * out passes. Pure; runs in the workers.
 */
import { type Refusal, refuse } from './refusal.js';

const ENCODED_DOT = '(?:\\.|%2[eE])';
/** Anything that the rest of this file is about: nearly no path has it, and this one look is all that it costs. */
const SUSPECT = new RegExp(`%|\\\\|//|/${ENCODED_DOT}{1,2}(?:[;/]|$)`);
const DOT_SEGMENT = new RegExp(`/${ENCODED_DOT}{1,2}(?:/|$)`);
const DOT_PARAMETERS = new RegExp(`/${ENCODED_DOT}{1,2}(?:;|%3[bB])`);
/** ASCII in more bytes than one: a lenient decoder reads `%c0%af` as a slash. */
const OVERLONG = /%(?:[cC][01]%[89abAB]|[eE]0%[89]|[fF]0%8)/;
const BROKEN_ESCAPE = /%(?![0-9a-fA-F]{2})/;
const ENCODED_SLASH = /%2[fF]/;
const BACKSLASH = /\\|%5[cC]/;
const ENCODED_CONTROL = /%(?:[01][0-9a-fA-F]|7[fF])/;
const ESCAPE = /%[2-7][0-9a-fA-F]/g;
/** RFC 3986 2.3. */
const UNRESERVED = /^[A-Za-z0-9._~-]$/;

const REFUSED: readonly (readonly [RegExp, Refusal])[] = [
  [BROKEN_ESCAPE, ambiguous('a percent sign is not followed by two hexadecimal digits')],
  [ENCODED_CONTROL, ambiguous('it holds an encoded control character')],
  [ENCODED_SLASH, ambiguous('it holds an encoded slash')],
  [BACKSLASH, ambiguous('it holds a backslash')],
  [OVERLONG, ambiguous('it holds an overlong encoding')],
  [DOT_PARAMETERS, ambiguous('it holds a dot segment with parameters')],
];
const DOTS = ambiguous('it holds a dot segment');
const EMPTY = ambiguous('it holds an empty segment');

function ambiguous(detail: string): Refusal {
  return refuse('ambiguous-path', detail);
}

/** Whether a path has to be looked at by `cleanPath` at all. */
export function isSuspect(path: string): boolean {
  return SUSPECT.test(path);
}

/**
 * The path to route by and to forward. Unreserved characters are decoded (RFC 3986 6.2.2.2): every backend reads `/%61dmin`
 * as `/admin`, so its rule must be that one's. With `normalise`, empty segments and dot segments are resolved (5.2.4);
 * without, a path with either is refused. The rest is refused either way: no reading of it is everybody's.
 */
export function cleanPath(path: string, normalise: boolean): string | Refusal {
  for (const [pattern, refusal] of REFUSED) if (pattern.test(path)) return refusal;
  if (normalise) return resolved(decoded(path));
  if (DOT_SEGMENT.test(path)) return DOTS;
  return path.includes('//') ? EMPTY : decoded(path);
}

function decoded(path: string): string {
  return path.replace(ESCAPE, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return UNRESERVED.test(character) ? character : triplet;
  });
}

/** Segment by segment, as in a file system: `..` takes the last one away, and nothing is above the root. */
function resolved(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const last = segments.at(-1);
  const open = kept.length > 0 && (last === '' || last === '.' || last === '..');
  return `/${kept.join('/')}${open ? '/' : ''}`;
}
