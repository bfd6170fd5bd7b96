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
/** The longest name with every character encoded; what is longer is not listed. */
const NAME_MAX = 3 * 21;
const REDACTED = '<redacted>';

const HASH = 0x23;
const AMPERSAND = 0x26;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;

/** The URI with `<redacted>` for every secret value; the same string when there is none. Linear in its length. */
export function redactQuery(uri: string): string {
  const question = uri.indexOf('?');
  if (question < 0) return uri;
  const parts: string[] = [];
  let kept = 0;
  for (let at = question + 1; at < uri.length; ) {
    const valueAt = secretValue(uri, at);
    const end = parameterEnd(uri, at, valueAt >= 0);
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
  const stop = Math.min(uri.length, at + NAME_MAX + 1);
  for (let here = at; here < stop; here++) {
    const code = uri.charCodeAt(here);
    if (code === EQUALS) return SECRETS.has(decoded(uri.slice(at, here)).toLowerCase()) ? here + 1 : -1;
    if (code === AMPERSAND || code === SEMICOLON) return -1;
  }
  return -1;
}

/**
 * End of the parameter: `&`, the fragment of a Referer, or `;`, behind which some backends begin another one. In a secret
 * a `;` is taken as part of the value.
 */
function parameterEnd(uri: string, at: number, secret: boolean): number {
  for (let here = at; here < uri.length; here++) {
    const code = uri.charCodeAt(here);
    if (code === AMPERSAND || code === HASH || (code === SEMICOLON && !secret)) return here;
  }
  return uri.length;
}

/** Percent-decoding of a name, one byte a character: listed names are ASCII. What is no valid escape stays. */
function decoded(name: string): string {
  if (!name.includes('%')) return name;
  return name.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
