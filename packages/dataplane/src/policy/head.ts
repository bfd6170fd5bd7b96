/** HTTP/1.1 heads: signatures first, the parser follows. */
import type { Refusal } from './refusal.js';

export interface HeaderField {
  /** As received. */
  readonly name: string;
  readonly lowerName: string;
  readonly value: string;
}
export interface HeadLimits {
  readonly headBytesMax: number;
  readonly targetBytesMax: number;
  readonly fieldsMax: number;
}
export const HEAD_LIMITS: HeadLimits = { headBytesMax: 16_384, targetBytesMax: 8192, fieldsMax: 100 };
export interface RequestHead {
  readonly method: string;
  /** As received: origin-form or absolute-form. */
  readonly target: string;
  /** Without the query. */
  readonly path: string;
  /** Without the `?`; undefined when there is none. */
  readonly query: string | undefined;
  readonly minorVersion: 0 | 1;
  readonly fields: readonly HeaderField[];
  /** Lower case, without port; '' when an HTTP/1.0 request has no Host. */
  readonly host: string;
  /** The Host value as received. */
  readonly authority: string;
  /** Size of the head, bytes. */
  readonly bytes: number;
}
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly minorVersion: 0 | 1;
  readonly fields: readonly HeaderField[];
  readonly bytes: number;
}
export function parseRequestHead(_head: string, _limits: HeadLimits): RequestHead | Refusal {
  throw new Error('not written yet');
}
export function parseResponseHead(_head: string, _limits: HeadLimits): ResponseHead | Refusal {
  throw new Error('not written yet');
}
