/** Heads that go on to the other side: signatures first. */
import type { RelayMode } from '../engine/binding.js';
import type { RequestHead, ResponseHead } from './head.js';
import type { Refusal } from './refusal.js';
import type { Handshake } from './websocket.js';

export interface ForwardContext {
  readonly clientAddress: string;
  readonly scheme: 'http' | 'https';
  readonly requestId: string;
}
export interface Relay {
  readonly head: string;
  readonly mode: RelayMode;
  /** Body bytes when `mode` is `length`, else 0. */
  readonly length: number;
}
export function requestHead(_request: RequestHead, _handshake: Handshake, _context: ForwardContext): string {
  throw new Error('not written yet');
}
export function switchHead(_response: ResponseHead, _requestId: string): string {
  throw new Error('not written yet');
}
export function interimHead(_response: ResponseHead): string {
  throw new Error('not written yet');
}
/** `date`: added when the backend sent no Date (RFC 9110 6.6.1); '' adds none. */
export function relayHead(_response: ResponseHead, _requestId: string, _date: string): Relay | Refusal {
  throw new Error('not written yet');
}
