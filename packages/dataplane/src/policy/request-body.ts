/**
 * How the body of a request that asks for no upgrade ends (RFC 9112 6), as far as the gateway takes it.
 *
 * Invariant: exactly one reading. A request that a proxy and a backend could cut at different places is refused, whoever
 * is right: both framings, lengths that differ or are no number, codings but `chunked` alone, any coding in HTTP/1.0.
 * Pure; runs in the workers.
 */
import { DIGIT, isAll } from './characters.js';
import { Field } from './field-name.js';
import type { RequestHead } from './head.js';
import { type Refusal, refuse } from './refusal.js';

const BOTH = refuse('malformed-header', 'Content-Length and Transfer-Encoding are both there');
const BAD_LENGTH = refuse('malformed-header', 'Content-Length must be one number');
const BAD_CODING = refuse('malformed-header', 'Transfer-Encoding must be chunked, once, in HTTP/1.1');

type Framed = Pick<RequestHead, 'fields' | 'minorVersion'>;

/** Why the framing of the body is not taken; undefined when it is. */
export function bodyRefusal({ fields, minorVersion }: Framed): Refusal | undefined {
  let [lengths, codings] = [0, 0];
  for (const { id, value } of fields) {
    if (id === Field.contentLength) {
      if (++lengths > 1 || !isAll(value, DIGIT) || value === '' || !Number.isSafeInteger(Number(value)))
        return BAD_LENGTH;
    } else if (id === Field.transferEncoding) {
      if (++codings > 1 || minorVersion === 0 || value.toLowerCase() !== 'chunked') return BAD_CODING;
    }
  }
  return lengths > 0 && codings > 0 ? BOTH : undefined;
}

/** Whether bytes follow the head. */
export function hasBody({ fields }: Framed): boolean {
  return fields.some(
    ({ id, value }) => id === Field.transferEncoding || (id === Field.contentLength && Number(value) > 0),
  );
}
