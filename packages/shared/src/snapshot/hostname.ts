/**
 * Hostnames of listeners and routes: what two of them have in common, and which is more specific.
 *
 * `''` takes every host; `*.example.com` takes `a.example.com` and `a.b.example.com`, not `example.com` (HTTPRouteSpec.
 * Hostnames, apis/v1/httproute_types.go). Hostnames are lower case here. Pure.
 */

/** The hosts that both take, as a hostname: always one of the two; undefined when there are none. */
export function intersectHostnames(a: string, b: string): string | undefined {
  if (covers(a, b)) return b;
  return covers(b, a) ? a : undefined;
}

/** Whether every host that `inner` takes is taken by `outer`. */
export function covers(outer: string, inner: string): boolean {
  if (outer === '' || outer === inner) return true;
  return outer.startsWith('*.') && inner.length > outer.length - 1 && inner.endsWith(outer.slice(1));
}

/**
 * Order of precedence, for a sort: exact hostnames, then wildcards, then `''`; the longer first; then by text. A longer
 * wildcard that takes the same host has more labels too, which is how listeners are ordered (gateway_types.go).
 */
export function compareHostnames(a: string, b: string): number {
  return rank(a) - rank(b) || b.length - a.length || compareText(a, b);
}

function rank(hostname: string): number {
  if (hostname === '') return 2;
  return hostname.startsWith('*.') ? 1 : 0;
}

/** Order by code units, the same on every machine. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
