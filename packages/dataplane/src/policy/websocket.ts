/** RFC 6455 checks: signatures first. */
import type { RequestHead, ResponseHead } from './head.js';
import type { Refusal } from './refusal.js';

export interface Handshake {
  readonly key: string;
  /** Values of the Sec-WebSocket-Protocol fields as received, each a comma list. */
  readonly subprotocols: readonly string[];
  /** Whether the client offered any extension. */
  readonly extensions: boolean;
}
export function checkHandshake(_request: RequestHead): Handshake | Refusal {
  throw new Error('not written yet');
}
export function checkSwitch(_response: ResponseHead, _handshake: Handshake): undefined | Refusal {
  throw new Error('not written yet');
}
