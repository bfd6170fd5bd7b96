/** Access log fields: signatures first. */
import type { EndpointSnapshot } from '@sluice/shared/snapshot/snapshot';
import type { RequestHead } from './head.js';
import type { RefusalCode } from './refusal.js';

export interface LogRecord {
  /** `namespace/name` of the Gateway. */
  readonly frontendName: string;
  readonly frontendPort: number;
  /** Name of the listener; '' when no listener took the request. */
  readonly listener: string;
  /** `namespace/name` of the HTTPRoute; '' when none matched. */
  readonly route: string;
  /** undefined when no head was read or it did not parse. */
  readonly request: RequestHead | undefined;
  /** Size of the request head when it did not parse; else ignored. */
  readonly requestHeaderBytes: number;
  /** Status that the client got; 0 when it got none. */
  readonly status: number;
  /** Size of the head that the client got; 0 when it got none. */
  readonly responseHeaderBytes: number;
  readonly requestId: string;
  readonly endpoint: EndpointSnapshot | undefined;
  /** ms to the first byte of the backend's answer; undefined when it gave none. */
  readonly backendResponseLatencyMs: number | undefined;
  readonly refusal: RefusalCode | undefined;
}
/** JSON members without braces; the engine adds its own around them (binding.ts). */
export function logFields(_record: LogRecord): string {
  throw new Error('not written yet');
}
export function redactQuery(_uri: string): string {
  throw new Error('not written yet');
}
