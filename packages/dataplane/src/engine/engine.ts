/**
 * One engine as the thread that drives it sees it: the native calls, with every argument checked before C sees it.
 *
 * Invariant: C gets integers within its types, addresses and heads within their sizes; anything else is a RangeError
 * here, which ends one connection and not the process. A stale id is `false`. Worker thread.
 */
import type { ConnectionId, EngineIndex, Native, RelayMode } from './binding.js';
import { decodeEvents, type EngineEvent } from './events.js';

export const LOG_FIELDS_BYTES_MAX = 65_534;
/** What the native calls take: half of their scratch memory, less a terminator. */
export const HEAD_BYTES_MAX = 65_534;
const UINT32_MAX = 0xffff_ffff;

/** Where a connection is dialled to. */
export interface Dial {
  readonly address: string;
  readonly port: number;
  /** On the status board. */
  readonly slot: number;
  readonly head: string;
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  /** Metric group. */
  readonly group: number;
  /** A TLS context for backends; 0: plain TCP. */
  readonly tls: number;
}

/** What a handshake may ask of its engine. */
export interface Engine {
  readonly index: EngineIndex;
  connect(id: ConnectionId, dial: Dial): boolean;
  bound(id: ConnectionId, boundMs: number): boolean;
  interim(id: ConnectionId, head: string): boolean;
  splice(
    id: ConnectionId,
    head: string,
    logFields: string,
    idleTimeoutMs: number,
    lifetimeMs: number,
    owner: number,
  ): boolean;
  relay(
    id: ConnectionId,
    head: string,
    mode: RelayMode,
    length: number,
    logFields: string,
    idleTimeoutMs: number,
  ): boolean;
  respond(id: ConnectionId, bytes: string, logFields: string, group: number): boolean;
  close(id: ConnectionId, reason: string, logFields: string): boolean;
  logEnded(id: ConnectionId, logFields: string): boolean;
  clientAddress(id: ConnectionId, address: string, port: number): boolean;
}

function checkInteger(name: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) throw new RangeError(`${name} ${value} is not in 0…${max}`);
}

function checkText(name: string, value: string, max: number): void {
  if (value.length > max) throw new RangeError(`${name} has ${value.length} characters, more than ${max}`);
}

/** Durations of 25 days and more are as good as 24.8 days: the engine counts them in 31 bits. */
function timeout(value: number): number {
  if (!(value >= 0)) throw new RangeError(`timeout ${value} is not a duration`);
  return Math.min(Math.round(value), 0x7fff_ffff);
}

/** The calls of an engine that this thread has attached. */
export function createEngine(native: Native, index: EngineIndex): Engine {
  return {
    index,
    connect: (id, dial) => {
      checkText('address', dial.address, 45);
      checkInteger('port', dial.port, 65_535);
      checkInteger('slot', dial.slot, UINT32_MAX);
      checkText('head', dial.head, HEAD_BYTES_MAX);
      checkInteger('group', dial.group, UINT32_MAX);
      checkInteger('tls', dial.tls, UINT32_MAX);
      const { address, port, slot, head, group, tls } = dial;
      const [connectTimeoutMs, answerTimeoutMs] = [timeout(dial.connectTimeoutMs), timeout(dial.answerTimeoutMs)];
      return native.connect(index, id, address, port, slot, head, connectTimeoutMs, answerTimeoutMs, group, tls);
    },
    bound: (id, boundMs) => native.bound(index, id, timeout(boundMs)),
    interim: (id, head) => {
      checkText('head', head, HEAD_BYTES_MAX);
      return native.interim(index, id, head);
    },
    splice: (id, head, logFields, idleTimeoutMs, lifetimeMs, owner) => {
      checkText('head', head, HEAD_BYTES_MAX);
      checkText('log fields', logFields, LOG_FIELDS_BYTES_MAX);
      checkInteger('owner', owner, UINT32_MAX);
      return native.splice(index, id, head, logFields, timeout(idleTimeoutMs), timeout(lifetimeMs), owner);
    },
    relay: (id, head, mode, length, logFields, idleTimeoutMs) => {
      checkText('head', head, HEAD_BYTES_MAX);
      checkText('log fields', logFields, LOG_FIELDS_BYTES_MAX);
      checkInteger('length', length, Number.MAX_SAFE_INTEGER);
      return native.relay(index, id, head, mode, length, logFields, timeout(idleTimeoutMs));
    },
    respond: (id, bytes, logFields, group) => {
      checkText('answer', bytes, HEAD_BYTES_MAX);
      checkText('log fields', logFields, LOG_FIELDS_BYTES_MAX);
      checkInteger('group', group, UINT32_MAX);
      return native.respond(index, id, bytes, logFields, group);
    },
    close: (id, reason, logFields) => {
      checkText('log fields', logFields, LOG_FIELDS_BYTES_MAX);
      return native.close(index, id, reason, logFields);
    },
    logEnded: (id, logFields) => {
      checkText('log fields', logFields, LOG_FIELDS_BYTES_MAX);
      return native.logEnded(index, id, logFields);
    },
    clientAddress: (id, address, port) => {
      checkText('address', address, 45);
      checkInteger('port', port, 65_535);
      return native.clientAddress(index, id, address, port);
    },
  };
}

/** Attaches this thread to the engine; from now on `handle` gets its events. Throws when another thread has it. */
export function attachEngine(native: Native, index: EngineIndex, handle: (event: EngineEvent) => void): Engine {
  let buffer = Buffer.alloc(0);
  let view = new DataView(buffer.buffer, buffer.byteOffset, 0);
  const memory = native.attach(index, (length) => decodeEvents(buffer, view, length, handle));
  buffer = Buffer.from(memory);
  view = new DataView(memory);
  return createEngine(native, index);
}
