/**
 * Values by hostname, looked up from the most to the least specific: the exact name, then wildcards from the longest
 * suffix on, then `''`, which takes every host (Gateway API, Listener.hostname and HTTPRoute.hostnames).
 *
 * Invariant: cost is bounded by the labels of the longest configured wildcard, not by the number of names. Of equal
 * hostnames the first one counts. Pure; runs in the workers.
 */

export interface HostTable<T> {
  /** The first answer that `visit` gives (not undefined) for the values that fit the host, most specific first. */
  find<R>(host: string, visit: (value: T) => R | undefined): R | undefined;
}

/** `hostname`: lower case; `*.example.com` takes every name that ends with `.example.com`. */
export function createHostTable<T>(entries: readonly (readonly [hostname: string, value: T])[]): HostTable<T> {
  const exact = new Map<string, T>();
  const suffixes = new Map<string, T>();
  let suffixMax = 0;
  for (const [hostname, value] of entries) {
    const wildcard = hostname.startsWith('*.');
    const key = wildcard ? hostname.slice(1) : hostname;
    const table = wildcard ? suffixes : exact;
    if (!table.has(key)) table.set(key, value);
    if (wildcard) suffixMax = Math.max(suffixMax, key.length);
  }
  const any = exact.get('');
  return {
    find(host, visit) {
      const named = host === '' ? undefined : exact.get(host);
      const found = named === undefined ? undefined : visit(named);
      if (found !== undefined) return found;
      const suffixed = suffixMax === 0 ? undefined : findSuffix(suffixes, suffixMax, host, visit);
      if (suffixed !== undefined) return suffixed;
      return any === undefined ? undefined : visit(any);
    },
  };
}

/** The wildcard stands for at least one character: the dot is never the first. */
function findSuffix<T, R>(
  suffixes: ReadonlyMap<string, T>,
  suffixMax: number,
  host: string,
  visit: (value: T) => R | undefined,
): R | undefined {
  let dot = host.indexOf('.', Math.max(1, host.length - suffixMax));
  while (dot > 0) {
    const value = suffixes.get(host.slice(dot));
    const found = value === undefined ? undefined : visit(value);
    if (found !== undefined) return found;
    dot = host.indexOf('.', dot + 1);
  }
  return undefined;
}
