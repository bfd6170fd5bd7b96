/**
 * What the exchanges of a worker share, and what they need to know of the connection that they are on. Worker thread.
 */
import type { ConnectionId } from '../engine/binding.js';
import type { ClientTls } from '../engine/tls-info.js';
import type { HeadLimits } from '../policy/head.js';
import type { Answers } from '../worker/handshake-answers.js';
import type { BackendLessons } from '../worker/handshake-backend.js';
import type { Configuration, HandshakeContext } from '../worker/handshake-context.js';
import type { Endings } from './endings.js';
import type { Pools } from './pools.js';

/** The engine's calls for clients that are not its own alone; see stream-binding.ts. */
export interface StreamCalls {
  detachClient(id: ConnectionId, group: number): { fd: number; early: Buffer } | undefined;
  attachClient(id: ConnectionId, fd: number, bytes: Buffer): boolean;
  countRequest(slot: number, change: 0 | 1): boolean;
  clientClosed(id: ConnectionId, reason: string, bytesUp: number, bytesDown: number): boolean;
  openClient(parent: ConnectionId, head: Buffer): { id: ConnectionId; fd: number } | undefined;
  clientFate(id: ConnectionId): string;
  resetClient(id: ConnectionId): boolean;
  logLine(line: string): void;
  /** Text of a close reason's code. */
  closeReason(code: number): string;
}

export interface StreamScene {
  readonly context: HandshakeContext;
  readonly calls: StreamCalls;
  readonly answers: Answers;
  readonly lessons: BackendLessons;
  readonly pools: Pools;
  readonly endings: Endings;
  readonly headLimits: HeadLimits;
  /** New requests go by this one. */
  readonly configuration: Configuration;
  readonly draining: boolean;
}

/** Who asks. */
export interface Peer {
  readonly id: ConnectionId;
  readonly listenerTag: number;
  readonly clientAddress: string;
  /** null: plain TCP. */
  readonly tls: ClientTls | null;
  /** With its port, as it stands in the log. */
  readonly clientIp: string;
  /** Body bytes of its requests and of their answers, as they pass. */
  bytesUp: number;
  bytesDown: number;
}
