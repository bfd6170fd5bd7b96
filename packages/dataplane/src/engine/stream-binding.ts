/**
 * The native module's calls for the stream path: clients whose bytes the caller has, and connections of the caller's own.
 * Calls of the thread that attached.
 *
 * A stale id is answered with `false`, `undefined` or ''. Descriptors are the caller's, who wraps and closes them.
 */
import type { ConnectionId, EngineIndex } from './binding.js';

export interface NativeStream {
  /**
   * Gives the client's bytes and what was read behind the head of its request to the caller, who closes the descriptor;
   * nothing may have been dialled. It is the client's socket; of a client with TLS it is one end of a pair (AF_UNIX), and the
   * engine encrypts between the two: `end` there is close_notify and FIN, an end in order of the client is the end of what
   * is read, and a reset or a cut stream is an `ended` event. The connection stays counted, in this metric group; its
   * `ended` event comes whenever it ends otherwise than by `clientClosed`.
   * undefined: the id is stale (`ended` follows), or there is no descriptor for it, and the client still waits for `respond`.
   */
  detachClient(engine: EngineIndex, id: ConnectionId, group: number): { fd: number; early: Buffer } | undefined;
  /**
   * Takes a detached client back, with a request of which the head is whole: a `request` event follows, with the same id, when
   * the client has all that was written for it before. Bytes that nobody has read from `fd` come behind `bytes`. The caller
   * closes `fd` without shutting it down, and reads and writes nothing more. False: nothing was done.
   */
  attachClient(engine: EngineIndex, id: ConnectionId, fd: number, bytes: Buffer): boolean;
  /** Counts a request on the endpoint in this slot (`change` 1), or no more (0); what is left when the thread lets go is too. */
  countRequest(engine: EngineIndex, slot: number, change: 0 | 1): boolean;
  /**
   * The caller has closed the descriptor of a detached client, whatever ended first: its body bytes are counted. Once for each
   * client: at any time before its `ended` event, or during the callback that delivers it (false without TLS, when the
   * engine has ended it). Of a client with TLS, what was written is still sent for a while, with no further event.
   */
  clientClosed(engine: EngineIndex, id: ConnectionId, reason: string, bytesUp: number, bytesDown: number): boolean;
  /**
   * Opens a connection of the caller's own on behalf of a detached client (a WebSocket over HTTP/2): with its listener and
   * address, counted as any other, `fd` being its client's socket. `head` is a whole request head and nothing behind it; a
   * `request` event follows, whose `tls` is null. Whatever becomes of it, an `ended` event follows, also after `splice`. The caller
   * closes `fd`. undefined: the parent is stale or its certificate is not good, the head is not whole or too long, or there is no
   * descriptor or no room.
   */
  openClient(engine: EngineIndex, parent: ConnectionId, head: Buffer): { id: ConnectionId; fd: number } | undefined;
  /**
   * Why the stream of an `openClient` has ended, for a caller who has read its end: the close reason when it was not in order
   * (`backend-reset`, `backend-truncated`, `idle-timeout`, …), '' when it was, when it is still open, or the id is stale.
   */
  clientFate(engine: EngineIndex, id: ConnectionId): string;
  /**
   * Ends a connection of `openClient` as a reset by its client: `client-reset` when it was spliced, `client-aborted` before
   * that; what is on its way to the client is dropped, what the engine has for the backend is sent. False: it is over.
   * Of a detached client with TLS: resets it, without close_notify, so that what it has of an answer does not look whole.
   */
  resetClient(engine: EngineIndex, id: ConnectionId): boolean;
  /** Appends a whole record, its line end included, to the access log. Longer than 16 KiB: nothing is written. */
  logLine(engine: EngineIndex, line: string): void;
}
