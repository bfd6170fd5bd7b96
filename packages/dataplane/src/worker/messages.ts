/**
 * Every message between the primary and a worker: the task that starts it, and what passes over its port.
 *
 * Plain data, structured-clone safe. Messages of one port keep their order: the supervisor relies on `adopt` being
 * handled before the `release` that follows it.
 */

import type { MessagePort } from 'node:worker_threads';
import type { Snapshot } from '@sluice/shared/snapshot/snapshot';
import type { EngineIndex } from '../engine/binding.js';

/** What every handshake goes by; the same for all workers. */
export interface HandshakeLimits {
  readonly headBytesMax: number;
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly streamIdleTimeoutMs: number;
  readonly lifetimeMs: number;
  /** Handshakes that one worker may have under way. */
  readonly handshakesMax: number;
}

/** A bound port, by the tag that its connections carry. */
export interface BoundPort {
  /** The port that the Gateway declares: `frontendPort` in the access log. */
  readonly port: number;
  /** Indexes into `Snapshot.listeners`: those that share the port. */
  readonly listeners: readonly number[];
}

/** The status board, as it crosses to a worker. */
export interface BoardMemory {
  readonly buffer: SharedArrayBuffer;
  readonly capacity: number;
  readonly columns: number;
}

/** The one long task of a worker's incarnation. */
export interface WorkerTask {
  /** Slot of the worker: its column on the board, its seed in the balancer. */
  readonly worker: number;
  readonly engine: EngineIndex;
  readonly snapshot: Snapshot;
  readonly ports: readonly BoundPort[];
  readonly board: BoardMemory;
  readonly limits: HandshakeLimits;
  readonly accessLog: boolean;
  readonly port: MessagePort;
}

export const FAULTS = ['throw', 'exit', 'oom', 'hang'] as const;
export type Fault = (typeof FAULTS)[number];

export type ToWorker =
  /** Drive the worker's own engine; answered by `ready`. */
  | { readonly type: 'attach' }
  /** Drive a dead worker's engine too; answered by `adopted`. */
  | { readonly type: 'adopt'; readonly engine: EngineIndex }
  /** Let go of an adopted engine; answered by `released`. */
  | { readonly type: 'release'; readonly engine: EngineIndex }
  /** Let go of everything and end the task. */
  | { readonly type: 'stop' }
  | { readonly type: 'fault'; readonly fault: Fault };

export type ToPrimary =
  | { readonly type: 'booted' }
  | { readonly type: 'ready' }
  /** `error` is empty when it worked. */
  | { readonly type: 'adopted'; readonly engine: EngineIndex; readonly error: string }
  | { readonly type: 'released'; readonly engine: EngineIndex }
  | { readonly type: 'log'; readonly level: 'warn' | 'error'; readonly message: string; readonly detail: LogDetail };

/** Members of a log line. */
export type LogDetail = Readonly<Record<string, string | number | boolean>>;
