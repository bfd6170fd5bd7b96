/**
 * Event records: what the engine tells TypeScript, decoded from the buffer that the engine fills.
 *
 * Records lie one behind the other, 8-byte aligned, little endian. The layout is fixed here and in native/events.c:
 *
 * | offset | type | field                                                                           |
 * |--------|------|---------------------------------------------------------------------------------|
 * | 0      | u32  | length of the record, bytes, a multiple of 8                                    |
 * | 4      | u32  | kind (EventKind)                                                                |
 * | 8      | f64  | connection id                                                                   |
 * | 16     | f64  | request: time of the accept, ms since the epoch; response: connect time, ms; ended: client bytes read |
 * | 24     | f64  | response: time since `connect` was called, ms; ended: time since the accept, ms |
 * | 32     | u32  | listener tag                                                                    |
 * | 36     | u32  | request: client port; failed: stage; ended: close reason                        |
 * | 40     | u32  | failed: code; request: bytes of the TLS text                                    |
 * | 44     | u32  | failed: errno                                                                   |
 * | 48     | u32  | bytes of the address text (request, and failed in the stage requestHead)        |
 * | 52     | u32  | bytes of the head (request, response), of the reason (failed)                   |
 * | 56     |      | address text, then the head or the reason, latin1, then the TLS text (tls-info.ts) |
 *
 * Strings are fresh (decoded, not sliced out of a larger string): keeping one pins nothing.
 */
import { type ConnectionId, EventKind, type FailedCode, type FailedStage } from './binding.js';
import { type ClientTls, parseClientTls } from './tls-info.js';

export interface RequestEvent {
  readonly kind: typeof EventKind.request;
  readonly id: ConnectionId;
  readonly listener: number;
  readonly acceptedAtMs: number;
  readonly clientAddress: string;
  readonly clientPort: number;
  /** The whole head with its final CRLF CRLF, latin1. */
  readonly head: string;
  /** null: plain TCP. */
  readonly tls: ClientTls | null;
}
export interface ResponseEvent {
  readonly kind: typeof EventKind.response;
  readonly id: ConnectionId;
  readonly connectMs: number;
  readonly answerMs: number;
  readonly head: string;
}
/** A stage failed; the client is still held and waits for `connect`, `respond` or `close`. */
export interface FailedEvent {
  readonly kind: typeof EventKind.failed;
  readonly id: ConnectionId;
  readonly listener: number;
  readonly stage: FailedStage;
  readonly code: FailedCode;
  /** The kernel's number when `code` is `errno` or `local`, else 0. */
  readonly errno: number;
  /** Set in the stage requestHead, where TypeScript has not seen the connection before; else ''. */
  readonly clientAddress: string;
  /** With the code `tls`: what is wrong, in OpenSSL's words; else ''. */
  readonly why: string;
}
/**
 * A connection ended while TypeScript still had to decide about it (the client left), or had its other end. But for what is
 * allowed during this event (`logEnded`, `clientClosed`), the id is stale already.
 */
export interface EndedEvent {
  readonly kind: typeof EventKind.ended;
  readonly id: ConnectionId;
  readonly requestBytes: number;
  readonly timeMs: number;
  /** Index into `closeReasons()`. */
  readonly reason: number;
}
export type EngineEvent = RequestEvent | ResponseEvent | FailedEvent | EndedEvent;

const HEADER_BYTES = 56;

/** Decodes the records in the first `length` bytes of an engine's event buffer, in order. */
export function decodeEvents(
  buffer: Buffer,
  view: DataView,
  length: number,
  handle: (event: EngineEvent) => void,
): void {
  let at = 0;
  while (at < length) {
    handle(decodeEvent(buffer, view, at));
    at += view.getUint32(at, true);
  }
}

function decodeEvent(buffer: Buffer, view: DataView, at: number): EngineEvent {
  const kind = view.getUint32(at + 4, true);
  const id = view.getFloat64(at + 8, true);
  const textAt = at + HEADER_BYTES;
  const addressBytes = view.getUint32(at + 48, true);
  const headAt = textAt + addressBytes;
  const headBytes = view.getUint32(at + 52, true);
  switch (kind) {
    case EventKind.request:
      return {
        kind: EventKind.request,
        id,
        listener: view.getUint32(at + 32, true),
        acceptedAtMs: view.getFloat64(at + 16, true),
        clientAddress: buffer.toString('latin1', textAt, headAt),
        clientPort: view.getUint32(at + 36, true),
        head: buffer.toString('latin1', headAt, headAt + headBytes),
        tls: parseClientTls(buffer, headAt + headBytes, view.getUint32(at + 40, true)),
      };
    case EventKind.response:
      return {
        kind: EventKind.response,
        id,
        connectMs: view.getFloat64(at + 16, true),
        answerMs: view.getFloat64(at + 24, true),
        head: buffer.toString('latin1', headAt, headAt + headBytes),
      };
    case EventKind.failed:
      return {
        kind: EventKind.failed,
        id,
        listener: view.getUint32(at + 32, true),
        stage: view.getUint32(at + 36, true) as FailedStage,
        code: view.getUint32(at + 40, true) as FailedCode,
        errno: view.getUint32(at + 44, true),
        clientAddress: buffer.toString('latin1', textAt, headAt),
        why: buffer.toString('latin1', headAt, headAt + headBytes),
      };
    default:
      return {
        kind: EventKind.ended,
        id,
        requestBytes: view.getFloat64(at + 16, true),
        timeMs: view.getFloat64(at + 24, true),
        reason: view.getUint32(at + 36, true),
      };
  }
}
