/**
 * The field section of an HTTP/1.1 head, strictly (RFC 9112 5).
 *
 * Invariant: an accepted name is a token and an accepted value holds neither CR, LF, NUL nor any other control but HTAB,
 * and has no white space around it. No obs-fold, no bare CR or LF, no space before the colon: whatever could be read in
 * two ways is refused. Values may be slices of the head: copy what is kept longer than the handshake.
 * Pure; runs in the workers.
 */
import { isAll, TOKEN } from './characters.js';
import { type FieldId, type FieldName, fieldName, knownName } from './field-name.js';

export interface HeaderField {
  /** As received. */
  readonly name: string;
  readonly lowerName: string;
  /** Without the white space around it; may be empty. */
  readonly value: string;
  readonly id: FieldId;
}

/** Why a field section is refused. */
export interface FieldFault {
  readonly tooMany: boolean;
  readonly detail: string;
}

const TOO_MANY: FieldFault = { tooMany: true, detail: 'more fields than allowed' };
const BAD_NAME: FieldFault = { tooMany: false, detail: 'a field name must be a token right before its colon' };
const FOLDED: FieldFault = { tooMany: false, detail: 'a field line must not begin with white space' };
const BAD_LINES: FieldFault = {
  tooMany: false,
  detail: 'a line holds a control character or no CR LF ends it, or no empty line ends the head',
};

/**
 * Lines of field-value characters (RFC 9110 5.5), each with its CR LF, then the empty line and the end of the text.
 * Compiled, this checks a character in half the time that a loop of charCodeAt takes, and it cannot backtrack into
 * another reading: the class holds neither CR nor LF.
 */
const LINES = /(?:[\t\x20-\x7e\x80-\xff]+\r\n)*\r\n$/y;

const SP = 0x20;
const HTAB = 0x09;

/** Reads the field lines that begin at `from` up to and including the empty line, which must end the head. */
export function parseFields(head: string, from: number, fieldsMax: number): HeaderField[] | FieldFault {
  LINES.lastIndex = from;
  if (!LINES.test(head)) return BAD_LINES;
  const fields: HeaderField[] = [];
  const sectionEnd = head.length - 2;
  for (let at = from; at < sectionEnd; ) {
    const lineEnd = head.indexOf('\r', at);
    const colon = head.indexOf(':', at);
    if (isBlank(head.charCodeAt(at))) return FOLDED;
    if (colon < 0 || colon > lineEnd) return BAD_NAME;
    if (fields.length === fieldsMax) return TOO_MANY;
    const known = nameAt(head, at, colon);
    if (known === undefined) return BAD_NAME;
    fields.push({
      name: known.name,
      lowerName: known.lower,
      value: sliceTrimmed(head, colon + 1, lineEnd),
      id: known.id,
    });
    at = lineEnd + 2;
  }
  return fields;
}

/** The name between two positions; undefined when it is no token. Known names are tokens. */
function nameAt(head: string, at: number, colon: number): FieldName | undefined {
  const known = knownName(head, at, colon);
  if (known !== undefined) return known;
  const name = head.slice(at, colon);
  return isAll(name, TOKEN) ? fieldName(name) : undefined;
}

function sliceTrimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}

export function isFieldFault(result: HeaderField[] | FieldFault): result is FieldFault {
  return !Array.isArray(result);
}

/** Value of the first field with this number. */
export function firstValue(fields: readonly HeaderField[], id: FieldId): string | undefined {
  for (const field of fields) if (field.id === id) return field.value;
  return undefined;
}

/** Value of the field when there is exactly one of it. */
export function onlyValue(fields: readonly HeaderField[], id: FieldId): string | undefined {
  let found: string | undefined;
  for (const field of fields) {
    if (field.id !== id) continue;
    if (found !== undefined) return undefined;
    found = field.value;
  }
  return found;
}

/** Whether any of these fields, read as comma lists, names the lower-case token; case-insensitive. */
export function listsToken(fields: readonly HeaderField[], id: FieldId, token: string): boolean {
  for (const field of fields) {
    if (field.id === id && listHas(field.value, token)) return true;
  }
  return false;
}

function listHas(value: string, token: string): boolean {
  if (value.length < token.length) return false;
  if (value.length === token.length) return value.toLowerCase() === token;
  return listItems(value).some((item) => item.toLowerCase() === token);
}

/** The non-empty elements of a comma list of tokens (RFC 9110 5.6.1). Not for lists with quoted strings. */
export function listItems(value: string): string[] {
  const items: string[] = [];
  for (const part of value.split(',')) {
    const item = trimBlanks(part);
    if (item !== '') items.push(item);
  }
  return items;
}

/** Without optional white space (RFC 9110 5.6.3) around it; `trim` would also take characters that are no such space. */
export function trimBlanks(text: string): string {
  return sliceTrimmed(text, 0, text.length);
}

export function hasField(fields: readonly HeaderField[], id: FieldId): boolean {
  for (const field of fields) if (field.id === id) return true;
  return false;
}
