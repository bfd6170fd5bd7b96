/**
 * The order in which the matches of one hostname of a listener are tried.
 *
 * HTTPRouteSpec.Hostnames and HTTPRouteRule.Matches (apis/v1/httproute_types.go), as one comparison: the hostname that
 * the route declares, exact path, regular expression, prefix, the longer first, method, more headers, more query
 * parameters, older route, route name, place in the route. The standard leaves the place of regular expressions open:
 * here an expression, which says more of a path than a prefix does, comes after exact paths and before prefixes, and
 * of two the longer text counts. Total: no two candidates of a listener are equal, so the order never depends on the
 * files. Pure.
 */
import type { HttpRoute } from '../resources/resource.js';
import { compareAges } from './age.js';
import { compareHostnames } from './hostname.js';
import type { MatchSnapshot } from './snapshot.js';

/** A match of an attached route, with all that decides its place. */
export interface Candidate {
  readonly route: HttpRoute;
  /** Hostname as the route declares it, before the intersection with the listener's. */
  readonly declared: string;
  readonly ruleIndex: number;
  readonly matchIndex: number;
  readonly match: MatchSnapshot;
}

/** For a sort: negative when `a` is tried before `b`. */
export function compareCandidates(a: Candidate, b: Candidate): number {
  return (
    compareHostnames(a.declared, b.declared) ||
    pathRank(a.match) - pathRank(b.match) ||
    b.match.path.length - a.match.path.length ||
    methodRank(a.match) - methodRank(b.match) ||
    b.match.headers.length - a.match.headers.length ||
    b.match.queryParams.length - a.match.queryParams.length ||
    compareAges(a.route, b.route) ||
    a.ruleIndex - b.ruleIndex ||
    a.matchIndex - b.matchIndex
  );
}

/** A match with a method before one without; which method it is does not count. */
function methodRank({ method }: MatchSnapshot): number {
  return method === '' ? 1 : 0;
}

const PATH_RANKS = { Exact: 0, RegularExpression: 1, PathPrefix: 2 } as const;

function pathRank({ pathType }: MatchSnapshot): number {
  return PATH_RANKS[pathType];
}
