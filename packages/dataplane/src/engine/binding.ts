/**
 * The native module's surface, as TypeScript sees it: the contract between addon.c and everything above it.
 *
 * Engines are numbers (the process-wide registry owns them and they outlive every thread); connections are
 * `ConnectionId`s (index and generation in one number: a stale id is answered with `false`, never with another
 * connection). Strings that carry HTTP heads are latin1. Arguments are checked here and in engine.ts, not in C.
 */
import { createRequire } from 'node:module';
import type { NativeStream } from './stream-binding.js';
import type { NativeTls } from './tls-binding.js';

/** Index of an engine in the process-wide registry. */
export type EngineIndex = number;
/** generation * 2^20 + index; never reused while the process lives (2^32 generations a slot). */
export type ConnectionId = number;

export interface EngineOptions {
  /** Largest head of a request or an answer, bytes. */
  headBytesMax: number;
  /** Hand-overs that may wait for the worker. */
  queueMax: number;
  /** Connections that the engine may hold. */
  connectionsMax: number;
  /** Bytes that slow readers may make the engine keep, over all of its connections. */
  pendingBytesMax: number;
  /** Size of the access-log ring, bytes; 0: no access log. */
  logRingBytes: number;
  requestHeadTimeoutMs: number;
  halfCloseTimeoutMs: number;
  /** How long an answered connection may go on sending before it is closed. */
  lingerTimeoutMs: number;
  keepaliveIdleS: number;
  keepaliveIntervalS: number;
  keepaliveCount: number;
  /** TCP_USER_TIMEOUT of both sides; 0: the kernel's. */
  userTimeoutMs: number;
}

/** What a connection keeps of the listener that accepted it. */
export interface ListenerIdentity {
  /** Given back with every request of this listener. */
  tag: number;
  /** Metric group of its connections until `connect` or `respond` names another. */
  group: number;
  /**
   * JSON members (no braces, no leading comma) of the access-log record of a connection that ends before
   * TypeScript has seen a request of it: all fields but those that the engine writes itself. Up to 4094 bytes.
   */
  logFields: string;
  /**
   * Whose connections must begin with a header of the PROXY protocol: 17 bytes each, an address (IPv4 mapped) and how many of
   * its bits count (for IPv4 96 to 128); at most 256. Absent or empty: nobody's.
   */
  proxySources?: Uint8Array;
}

export interface ListenOptions extends ListenerIdentity {
  address: string;
  port: number;
  backlog: number;
  reusePort: boolean;
  /** Accepted from only after `listenerAdmit`; clients wait in the kernel's queue until then. */
  held?: boolean;
  /** Accept a connection only when its first bytes are there (TCP_DEFER_ACCEPT), seconds; 0: at once. */
  deferAcceptS: number;
  keepaliveIdleS: number;
  keepaliveIntervalS: number;
  keepaliveCount: number;
  userTimeoutMs: number;
}

/** Codes of `EngineState`, as the registry holds them. */
export const EngineState = { starting: 0, ready: 1, dead: 2 } as const;
export type EngineState = (typeof EngineState)[keyof typeof EngineState];

/** Kinds of event record; see events.ts for the layout. */
export const EventKind = { request: 1, response: 2, failed: 3, ended: 4 } as const;

/** How the end of a relayed answer is found. */
export const RelayMode = { length: 0, chunked: 1, untilEof: 2 } as const;
export type RelayMode = (typeof RelayMode)[keyof typeof RelayMode];

/** Where a `failed` event came from. */
export const FailedStage = { requestHead: 0, connect: 1, response: 2 } as const;
export type FailedStage = (typeof FailedStage)[keyof typeof FailedStage];

/**
 * Why a stage failed. `errno`: the peer or the network said so (ECONNREFUSED, EHOSTUNREACH, …), counted against the
 * endpoint; `local`: this machine did (EADDRNOTAVAIL, EMFILE, ENOBUFS, …), which says nothing about the endpoint.
 * `eof`: the backend closed before the first byte of its answer; `reset`: likewise with RST; `truncated`: the backend
 * closed inside a head; `tls`: the TLS handshake with the backend failed (its certificate was not good, …), `why` says how.
 */
export const FailedCode = {
  timeout: 0,
  tooLarge: 1,
  errno: 2,
  eof: 3,
  reset: 4,
  local: 5,
  truncated: 6,
  tls: 7,
} as const;
export type FailedCode = (typeof FailedCode)[keyof typeof FailedCode];

/** Numbers of `stats()`, in the order of the array that it fills. */
export const STAT_NAMES = [
  'active', // client connections that the engine holds
  'queued', // hand-overs that wait for the worker
  'spliced', // of the active ones: spliced now
  'opened', // connections taken over, ever
  'closed', // connections ended, ever
  'bytesUp', // spliced bytes client to backend, ever
  'bytesDown', // spliced bytes backend to client, ever
  'pendingBytes', // bytes kept for slow readers now
  'logRecords', // access-log records written to the ring, ever
  'logDrops', // access-log records dropped because the ring was full, ever
  'heartbeatAgeMs', // since the engine was last driven
  'state', // EngineState
  'tlsAccepted', // TLS handshakes with clients that were completed, ever
  'tlsResumed', // of these: from a ticket
  'tlsRefused', // TLS handshakes with clients that failed, ever
  'tlsConnected', // TLS handshakes with backends that were completed, ever
  'tlsUnconnected', // TLS handshakes with backends that failed, ever
] as const;
export type EngineStats = Record<(typeof STAT_NAMES)[number], number>;

/**
 * Cells of a metric group, in this order, then one for each close reason (`closeReasons()`), in the order of their codes.
 * `opened`: connections whose request has been decided about (or that ended before); `active`: of these, open now.
 */
export const METER_FIELDS = ['opened', 'active', 'bytesUp', 'bytesDown'] as const;

/**
 * `logFields`: JSON members of an access-log record, without braces and outer commas, '' when there is no access log.
 * The engine writes, around them: level, time, clientIp, and at the end requestBodyBytes, responseBodyBytes,
 * backendTimeTaken, timeTaken, closeReason (for limits also clientSilentMs and backendSilentMs).
 */
export interface Native extends NativeStream, NativeTls {
  // --- the registry: any thread ---
  /** Makes an engine and returns its index. Throws when the registry is full (256). */
  engineCreate(options: EngineOptions): EngineIndex;
  /** Fills `out` (Float64Array of STAT_NAMES.length). */
  engineStats(engine: EngineIndex, out: Float64Array): void;
  /** Ends every connection of the engine in its own thread, with this close reason; returns at once. */
  engineCloseAll(engine: EngineIndex, reason: string): void;
  /**
   * Ends the spliced connections of the endpoint in this slot of the status board, and those that are spliced to it later:
   * the first after `afterMs`, the last `windowMs` later, evenly spread, with this close reason. In the engine's own
   * thread; returns at once. A later call for the slot replaces this one. It stands, over deaths of workers, until
   * `engineKeepEndpoint`: call that before the slot is another endpoint's. Ends wait up to 2 s for room in the access log.
   * Throws ERR_SLUICE_ENDINGS when the engine has orders for 16 384 endpoints, ERR_SLUICE_ARGUMENTS for a duration below 0.
   */
  engineEndEndpoint(engine: EngineIndex, slot: number, reason: string, afterMs: number, windowMs: number): void;
  /** Takes `engineEndEndpoint` back for the connections that are left, at once; without an order, does nothing. */
  engineKeepEndpoint(engine: EngineIndex, slot: number): void;
  /**
   * Likewise for the connections of an owner, the one that `splice` named: their listener or route is gone. An endpoint's
   * order and an owner's stand side by side on a connection: the earlier end counts, and taking one back leaves the other.
   * Throws ERR_SLUICE_ENDINGS when the engine has orders for 16 384 owners, and for 0, which is none.
   */
  engineEndOwner(engine: EngineIndex, owner: number, reason: string, afterMs: number, windowMs: number): void;
  /** Takes `engineEndOwner` back for the connections that are left, at once; without an order, does nothing. */
  engineKeepOwner(engine: EngineIndex, owner: number): void;
  /**
   * Gives the engine the memory that it counts in, before it is attached: for each metric group `METER_FIELDS` cells,
   * group after group; a group out of range counts as group 0. It lives as long as the process, and is this engine's
   * alone: read it with Atomics. Throws ERR_SLUICE_ARGUMENTS when these are no whole groups, ERR_SLUICE_METERS when the
   * engine is in use.
   */
  engineSetMeters(engine: EngineIndex, cells: BigUint64Array): void;
  /** Copies whole log lines into `out`, returns the bytes copied. One reader only: the primary. */
  logRead(engine: EngineIndex, out: Uint8Array): number;
  /** The closed list of close reasons, in the order of their codes. */
  closeReasons(): string[];

  // --- the acceptor: the primary thread ---
  /**
   * Binds and listens. Returns the bound port, and a number for the socket that no other ever gets. Accepted from at once
   * when the others are, unless it is `held`. Throws an Error with `code` (EADDRINUSE, EACCES, …; ENOSPC: 256 listen already) and `syscall`.
   */
  listen(options: ListenOptions): { listener: number; port: number };
  /**
   * Gives connections that the listener accepts from now on another identity; those that it has accepted keep theirs.
   * False: it is closed. Throws ERR_SLUICE_LISTENER for a number that `listen` has not given.
   */
  listenerIdentify(listener: number, identity: ListenerIdentity): boolean;
  /** Accepts from a listener that was `held`. False: it is closed. Throws as `listenerIdentify`. */
  listenerAdmit(listener: number): boolean;
  /**
   * Closes one listening socket for good, at once; the others go on, and so does what it has accepted. Clients that
   * nobody has accepted yet are reset. False: it was closed already. Throws as `listenerIdentify`.
   */
  listenerClose(listener: number): boolean;
  /** Starts accepting on every listener. Engines that are ready get sockets, the one with the fewest connections first. */
  acceptStart(): void;
  /** Stops accepting; listeners stay bound and queue in the kernel. */
  acceptPause(): void;
  /** Closes every listener for good. */
  acceptClose(): void;
  /** Clients (two descriptors each, a third for those of which `detachClient` or `openClient` made a pair), the process's limit of descriptors, and what accepting waits for now. */
  descriptors(): { clients: number; limit: number; waitsFor: '' | 'descriptors' | 'workers' };

  // --- the engine: the thread that attached ---
  /**
   * Attaches this thread to the engine: from now on it drives the engine and gets its events.
   * `onEvents(length)` is called with event records in the returned buffer, valid only during the call.
   * Throws when another thread is attached.
   */
  attach(engine: EngineIndex, onEvents: (length: number) => void): ArrayBuffer;
  /** Drives another worker's engine after that worker's death: spliced connections live on, nothing new is taken. */
  adopt(engine: EngineIndex): void;
  /** Ends `attach` or `adopt` for this thread. */
  detach(engine: EngineIndex): void;
  /** The attached engine takes new sockets from now on. */
  ready(engine: EngineIndex): void;
  /** The column of the status board that this engine counts active connections in. */
  setActiveColumn(engine: EngineIndex, column: Int32Array): void;

  /**
   * Dials an endpoint for a connection whose request has been decided and sends `head` when it is connected.
   * `slot` is the endpoint's on the status board; `group` is the metric group that the connection is counted in from now
   * on, unless an earlier call has named one. `tls` is a context of `tlsClientContext`, 0 for plain TCP; with one the
   * connect timeout covers the TLS handshake too. False: the id is stale, or the client showed a certificate that is not
   * good (which only `respond` and `close` may answer).
   */
  connect(
    engine: EngineIndex,
    id: ConnectionId,
    address: string,
    port: number,
    slot: number,
    head: string,
    connectTimeoutMs: number,
    answerTimeoutMs: number,
    group: number,
    tls: number,
  ): boolean;
  /**
   * Bounds the time from now to the head of an answer, over every `connect` that follows: when it is over, the stage that is
   * under way has failed by `timeout`. Before the first `connect`. False: the id is stale.
   */
  bound(engine: EngineIndex, id: ConnectionId, boundMs: number): boolean;
  /** Passes an interim (1xx) answer on to the client and reads the next head of the backend. */
  interim(engine: EngineIndex, id: ConnectionId, head: string): boolean;
  /**
   * Sends `head` (the 101) to the client and splices from then on. `logFields` (JSON members) are kept for the record
   * that is written when the connection closes; '' when there is no access log. Timeouts: 0 is off. `owner`: whose it is for
   * `engineEndOwner`, 32 bits; 0: nobody's.
   */
  splice(
    engine: EngineIndex,
    id: ConnectionId,
    head: string,
    logFields: string,
    idleTimeoutMs: number,
    lifetimeMs: number,
    owner: number,
  ): boolean;
  /** Passes a non-101 answer on: `head`, then the backend's bytes until `mode` says it is complete. */
  relay(
    engine: EngineIndex,
    id: ConnectionId,
    head: string,
    mode: RelayMode,
    length: number,
    logFields: string,
    idleTimeoutMs: number,
  ): boolean;
  /** Sends a whole answer of our own, shuts down writing, discards what still comes for a bounded time, closes. */
  respond(engine: EngineIndex, id: ConnectionId, bytes: string, logFields: string, group: number): boolean;
  /** Ends a connection at once, without an answer. */
  close(engine: EngineIndex, id: ConnectionId, reason: string, logFields: string): boolean;
  /**
   * Writes the record of a connection that ended in handshake, with these fields. Only during the callback that
   * delivers its `ended` event; without this call the engine writes the record with its listener's fields.
   */
  logEnded(engine: EngineIndex, id: ConnectionId, logFields: string): boolean;
  /**
   * Whose connection it is for the record, before its request is decided about; port 0: unknown, left out. Not for one that
   * the stream path takes. False: the id is stale, or this is no address.
   */
  clientAddress(engine: EngineIndex, id: ConnectionId, address: string, port: number): boolean;
}

/** The native module; SLUICE_NATIVE names another build of it (a sanitizer's). Throws with one clear line without one. */
export function loadNative(): Native {
  const require = createRequire(import.meta.url);
  try {
    return require(process.env.SLUICE_NATIVE ?? '../../build/Release/sluice.node') as Native;
  } catch (cause) {
    throw new Error('the native engine is not built for this Node: run `npm run setup`', { cause });
  }
}
