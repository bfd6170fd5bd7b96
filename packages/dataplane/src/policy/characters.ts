/**
 * Character classes of HTTP/1.1 (RFC 9110 5.5 and 5.6.2, RFC 3986), one table lookup a character.
 *
 * Heads are latin1 strings: codes above 255 belong to no class, so whatever else comes in is refused.
 * Pure; runs in the workers.
 */

/** Characters of a token: methods and field names. */
export const TOKEN = 1;
/** Characters of a field value: visible ASCII, SP, HTAB, obs-text. No other control, no DEL. */
export const VALUE = 2;
/** Characters of a request target: visible ASCII without `#`. Raw bytes above 0x7f must come percent-encoded. */
export const TARGET = 4;
/** Characters of a host name: letters, digits, `-`, `_`, `.`: what names in DNS and hosts files are made of. */
export const HOST = 8;
/** Digits. */
export const DIGIT = 16;
/** Base64 without padding. */
export const BASE64 = 32;

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';

function classTable(): Uint8Array {
  const table = new Uint8Array(256);
  const mark = (code: number, bit: number): void => {
    table[code] = (table[code] as number) | bit;
  };
  const add = (characters: string, bit: number): void => {
    for (let at = 0; at < characters.length; at++) mark(characters.charCodeAt(at), bit);
  };
  add(`${LETTERS}${DIGITS}!#$%&'*+-.^_\`|~`, TOKEN);
  add(`${LETTERS}${DIGITS}-_.`, HOST);
  add(`${LETTERS}${DIGITS}+/`, BASE64);
  add(DIGITS, DIGIT);
  add('\t ', VALUE);
  for (let code = 0x21; code <= 0xff; code++) if (code !== 0x7f) mark(code, VALUE);
  for (let code = 0x21; code <= 0x7e; code++) if (code !== 0x23) mark(code, TARGET);
  return table;
}

/** The classes of each latin1 character. Index with a char code; beyond 255 there is none. */
export const CLASSES: Uint8Array = classTable();

/** First position from `at` on whose character is not in the class; at most `end`. */
export function skipClass(text: string, at: number, end: number, bit: number): number {
  let here = at;
  while (here < end && ((CLASSES[text.charCodeAt(here)] as number) & bit) !== 0) here++;
  return here;
}

/** Whether text is one or more characters of the class and nothing else. */
export function isAll(text: string, bit: number): boolean {
  return text.length > 0 && skipClass(text, 0, text.length, bit) === text.length;
}
