/**
 * How the body of a final answer to a GET ends (RFC 9112 6.3), and the framing fields that say so to the client.
 *
 * Invariant: the client gets exactly one statement of framing, the one that the gateway itself goes by. An answer whose
 * framing could be read in two ways is a fault of the backend, never passed on. Pure; runs in the workers.
 */
import { RelayMode } from '../engine/binding.js';
import { DIGIT, isAll } from './characters.js';
import { Field } from './field-name.js';
import { type HeaderField, hasField, listItems, trimBlanks } from './fields.js';
import type { ResponseHead } from './head.js';
import { type Refusal, refuse } from './refusal.js';

export interface Framing {
  readonly mode: RelayMode;
  /** Body bytes when `mode` is `length`, else 0. */
  readonly length: number;
  /** Framing field lines for the client. */
  readonly fields: string;
}

const NO_BODY: Framing = { mode: RelayMode.length, length: 0, fields: '' };
const CHUNKED: Framing = { mode: RelayMode.chunked, length: 0, fields: 'Transfer-Encoding: chunked\r\n' };
const UNTIL_EOF: Framing = { mode: RelayMode.untilEof, length: 0, fields: '' };

export function framingOf(response: ResponseHead): Framing | Refusal {
  const { fields, status } = response;
  const length = contentLength(fields);
  if (length === -1) return malformed('its Content-Length is not one number');
  const coded = hasField(fields, Field.transferEncoding);
  if (coded && length !== undefined) return malformed('it has both Content-Length and Transfer-Encoding');
  // 304 may tell the length that a 200 would have had; 204 must not tell any (RFC 9110 8.6).
  if (status === 204) return NO_BODY;
  if (status === 304) return length === undefined ? NO_BODY : { ...NO_BODY, fields: `Content-Length: ${length}\r\n` };
  if (coded) return chunkedFraming(response);
  if (length === undefined) return UNTIL_EOF;
  return { mode: RelayMode.length, length, fields: `Content-Length: ${length}\r\n` };
}

/** We send no TE, so `chunked` is the only coding that a backend may use (RFC 9112 7.4), and not in HTTP/1.0 (6.1). */
function chunkedFraming(response: ResponseHead): Framing | Refusal {
  const codings = response.fields.filter((field) => field.id === Field.transferEncoding);
  const items = codings.flatMap((field) => listItems(field.value));
  const chunked = items.length === 1 && items[0]?.toLowerCase() === 'chunked';
  if (!chunked || response.minorVersion === 0) return malformed('its Transfer-Encoding is not chunked alone');
  return CHUNKED;
}

/** The length that all Content-Length fields agree on (RFC 9110 8.6), undefined when there is none, -1 when invalid. */
function contentLength(fields: readonly HeaderField[]): number | undefined {
  let length: number | undefined;
  for (const field of fields) {
    if (field.id !== Field.contentLength) continue;
    for (const item of field.value.split(',')) {
      const text = trimBlanks(item);
      const value = isAll(text, DIGIT) ? Number(text) : -1;
      if (!Number.isSafeInteger(value) || value < 0 || (length ?? value) !== value) return -1;
      length = value;
    }
  }
  return length;
}

function malformed(detail: string): Refusal {
  return refuse('upstream-malformed', detail);
}
