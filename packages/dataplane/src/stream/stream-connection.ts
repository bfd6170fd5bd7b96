/**
 * A client's connection on the stream path, and what speaks a version of HTTP over such connections. Worker thread.
 */
import type { Socket } from 'node:net';
import type { Peer } from './scene.js';

export interface StreamConnection extends Peer {
  /** Bytes that have passed in WebSockets over it, which the engine counts where they end. */
  tunnelledUp: number;
  tunnelledDown: number;
  /** The client, without TLS: see `detachClient` in binding.ts. */
  readonly socket: Socket;
  /** The engine knows that it is over, or has it back. */
  released: boolean;
  /** Why it ends, of the engine's reasons; '': its client has closed it. */
  closeReason: string;
}

export interface HttpServer {
  /** What has been read of it already is put back into its socket. `headBytes`: of the head that it begins with. */
  take(connection: StreamConnection, headBytes: number): void;
  /** Its socket is closed, or about to be: requests under way end, with this reason if they have none. */
  ended(connection: StreamConnection, closeReason: string): void;
  /** No connection is kept for another request from now on; requests under way go on. */
  drain(): void;
  close(): void;
}
