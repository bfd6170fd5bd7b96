/**
 * What every connection over HTTP/2 is given, and why so much. Pure.
 */
import type { SecureServerSessionOptions } from 'node:http2';

/** Requests at once on a connection; RFC 9113 6.5.2 asks for no fewer than 100. */
export const STREAMS_MAX = 128;
/** Of a stream: RFC 9113's own. What a backend does not take stays with the client. */
export const STREAM_WINDOW_BYTES = 65_535;
/** Of the connection: one stream that nobody reads must not stop the others. */
export const WINDOW_BYTES = 1024 * 1024;
/** Of bodies, what may lie unread on a connection: Node gives the connection's window back at once. */
export const PASSED_UNREAD_MAX = STREAMS_MAX * STREAM_WINDOW_BYTES;
/** What Node keeps for a connection, MB: beyond it, new streams are refused. */
const SESSION_MEMORY_MB = 16;
/** Bytes that RFC 9113 6.5.2 counts for a field beside its name and value. */
const FIELD_BYTES = 32;

/**
 * `headBytesMax`: of a head that is answered. Node resets a stream with a head beyond its own limit unseen, so that one is
 * twice as high: what is between the two gets a 431. `websocket`: RFC 8441 is offered.
 */
export function sessionOptions(headBytesMax: number, websocket: boolean): SecureServerSessionOptions {
  return {
    settings: {
      maxConcurrentStreams: STREAMS_MAX,
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxHeaderListSize: 2 * headBytesMax + FIELDS_MAX * FIELD_BYTES,
      ...(websocket && { enableConnectProtocol: true }),
    },
    maxHeaderListPairs: FIELDS_MAX,
    maxSessionMemory: SESSION_MEMORY_MB,
  };
}

/** Fields of a head, of which the policy takes fewer; a cookie may come as many. */
const FIELDS_MAX = 256;
