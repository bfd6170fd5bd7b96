/**
 * The matches of routes as the workers try them: paths and names in one form, of equal names the first alone.
 *
 * What of a match can never count is a warning, said once, however many listeners and hostnames serve the route. Pure
 * but for the list of issues that it fills.
 */
import type { HttpRouteRule } from '../resources/http-route.js';
import type { ConfigIssue } from '../resources/issue.js';
import type { ConfigPath } from '../resources/path.js';
import { type HttpRoute, issueAt } from '../resources/resource.js';
import type { MatchSnapshot, ValueMatchSnapshot } from './snapshot.js';

/** A match of a route, with its place in it. */
export interface PlacedMatch {
  readonly ruleIndex: number;
  readonly matchIndex: number;
  readonly match: MatchSnapshot;
}

export type MatchIndex = ReadonlyMap<HttpRoute, readonly PlacedMatch[]>;

type Match = HttpRouteRule['matches'][number];
type Warn = (path: ConfigPath, message: string, hint?: string) => void;

const NONE: readonly ValueMatchSnapshot[] = [];

/** The matches of all rules. `firstRule`: index of the first rule of each route. */
export function buildMatches(
  routes: readonly HttpRoute[],
  firstRule: ReadonlyMap<HttpRoute, number>,
  issues: ConfigIssue[],
): MatchIndex {
  return new Map(routes.map((route) => [route, matchesOf(route, firstRule.get(route) ?? 0, issues)]));
}

function matchesOf(route: HttpRoute, first: number, issues: ConfigIssue[]): PlacedMatch[] {
  const warn: Warn = (path, message, hint = '') => issues.push(issueAt(route, 'warning', path, message, hint));
  return route.spec.rules.flatMap(({ matches }, ruleIndex) =>
    matches.map((match, matchIndex) => {
      const at = ['spec', 'rules', ruleIndex, 'matches', matchIndex];
      return { ruleIndex, matchIndex, match: matchOf(match, first + ruleIndex, at, warn) };
    }),
  );
}

function matchOf(match: Match, rule: number, at: ConfigPath, warn: Warn): MatchSnapshot {
  const { path, method = '', headers, queryParams } = match;
  if (method !== '' && method !== 'GET') {
    warn([...at, 'method'], 'no request of this method is served', 'a WebSocket handshake is a GET');
  }
  return {
    pathType: path.type,
    path: normalisePath(path),
    method,
    headers: firstOfEach(headers, (name) => name.toLowerCase(), [...at, 'headers'], warn),
    queryParams: firstOfEach(queryParams, (name) => name, [...at, 'queryParams'], warn),
    rule,
  };
}

/**
 * A trailing "/" of a PathPrefix is ignored (PathMatchPathPrefix); in an Exact path it counts. Letters, digits and `-._~` are
 * decoded, as those of requests are (RFC 3986 6.2.2.2).
 */
function normalisePath({ type, value }: Match['path']): string {
  if (type === 'RegularExpression') return value;
  const path = value.replace(/%[2-7][0-9a-f]/gi, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : escaped;
  });
  return type === 'PathPrefix' && path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** "Subsequent entries with an equivalent header name MUST be ignored" (HTTPHeaderMatch.Name), parameters alike. */
function firstOfEach(
  entries: Match['headers'],
  nameOf: (name: string) => string,
  at: ConfigPath,
  warn: Warn,
): readonly ValueMatchSnapshot[] {
  if (entries.length === 0) return NONE;
  const kept = new Map<string, ValueMatchSnapshot>();
  for (const [index, entry] of entries.entries()) {
    const name = nameOf(entry.name);
    if (!kept.has(name)) kept.set(name, { name, value: entry.value, regex: entry.type === 'RegularExpression' });
    else
      warn([...at, index], `is ignored: an earlier entry has the name ${JSON.stringify(name)}`, 'remove one of them');
  }
  return [...kept.values()];
}
