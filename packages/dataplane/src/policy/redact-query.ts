/**
 * Takes secrets out of a URI before it is logged: the values of the query parameters that the reference product hides.
 *
 * Invariant: a listed name is found in any case and however it is percent-encoded. Where backends differ in reading a
 * query (`;` as a separator) the reading that hides more is taken. Pure; runs in the workers.
 */

const SECRETS: ReadonlySet<string> = new Set([
  'secret',
  'password',
  'pwd',
  'passwd',
  'key',
  'token',
  'pat',
  'accesskey',
  'accesstoken',
  'credential',
  'sas',
  'personalaccesstoken',
  'personal.access.token',
]);
const NAME_BYTES_MAX = 21;
const REDACTED = '<redacted>';

/** The URI with `<redacted>` for every secret value; the same string when there is none. */
export function redactQuery(uri: string): string {
  const question = uri.indexOf('?');
  if (question < 0) return uri;
  const parts: string[] = [];
  let kept = 0;
  let at = question + 1;
  while (at < uri.length) {
    const valueAt = secretValue(uri, at);
    const end = valueAt < 0 ? separator(uri, at) : valueEnd(uri, valueAt);
    if (valueAt >= 0) {
      parts.push(uri.slice(kept, valueAt), REDACTED);
      kept = end;
    }
    at = end + 1;
  }
  return kept === 0 ? uri : parts.join('') + uri.slice(kept);
}

/** Where the value begins when the parameter at this place has a listed name, else -1. */
function secretValue(uri: string, at: number): number {
  const equals = uri.indexOf('=', at);
  // Three characters for each of an encoded name; what is longer is not listed.
  if (equals <= at || equals - at > 3 * NAME_BYTES_MAX) return -1;
  const name = decoded(uri.slice(at, equals)).toLowerCase();
  return SECRETS.has(name) ? equals + 1 : -1;
}

/** A secret ends at `&` (or the fragment of a Referer): a `;` may be part of it. */
function valueEnd(uri: string, at: number): number {
  const stop = uri.indexOf('&', at);
  const end = stop < 0 ? uri.length : stop;
  const hash = uri.indexOf('#', at);
  return hash < 0 ? end : Math.min(end, hash);
}

/** End of a parameter that is not secret: `&`, or `;`, behind which some backends begin another one. */
function separator(uri: string, at: number): number {
  for (let here = at; here < uri.length; here++) {
    const code = uri.charCodeAt(here);
    if (code === 0x26 || code === 0x3b) return here;
  }
  return uri.length;
}

/** Percent-decoding of a name, one byte a character: listed names are ASCII. What is no valid escape stays. */
function decoded(name: string): string {
  if (!name.includes('%')) return name;
  return name.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
