/**
 * Every message between the primary and a worker: the task that starts it, and what passes over its port.
 *
 * Plain data, structured-clone safe. Messages of one port keep their order: the supervisor relies on `adopt` being
 * handled before the `release` that follows it.
 */

import type { MessagePort } from 'node:worker_threads';
import type { BackendMaterial } from '@sluice/shared/snapshot/backend-material';
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
  /** Connections that one worker may have on the stream path. */
  readonly streamConnectionsMax: number;
  readonly requestHeadTimeoutMs: number;
  /** How long a connection of the stream path may wait for its next request. */
  readonly httpIdleTimeoutMs: number;
  /** Connects to an endpoint that failed in a row before it is left out for a while; 0: never. */
  readonly ejectAfter: number;
  readonly ejectTimeMs: number;
  readonly ejectTimeMaxMs: number;
}

/** A bound port, by the tag that its connections carry. */
export interface BoundPort {
  /** The port that the Gateway declares: `frontendPort` in the access log. */
  readonly port: number;
  /** Indexes into `Snapshot.listeners`: those that share the port. */
  readonly listeners: readonly number[];
}

/** One endpoint of a service: an ip:port and its slot on the status board. */
export interface EndpointSnapshot {
  /** IPv4 or IPv6 address in its canonical text form, without brackets. */
  readonly address: string;
  readonly port: number;
  /** Index of this (service, port, endpoint) on the status board. */
  readonly slot: number;
}

/** All endpoints of a service. */
export interface ServiceEndpoints {
  /** `namespace/name/port`. */
  readonly service: string;
  readonly endpoints: readonly EndpointSnapshot[];
  /** Why none of them is usable, in words, for the log; '' when one is or nobody said. */
  readonly why: string;
}

/** The TLS context of each service that has one: index into `Snapshot.services`, context of the engine. */
export type BackendContexts = readonly (readonly [service: number, context: number])[];

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
  /** The configuration: `openSnapshot`. */
  readonly snapshot: SharedArrayBuffer;
  readonly endpoints: readonly ServiceEndpoints[];
  readonly ports: readonly BoundPort[];
  readonly contexts: BackendContexts;
  readonly material: BackendMaterial;
  readonly board: BoardMemory;
  /** What the slot's worker counts handshakes in: `openMeters`. */
  readonly meters: SharedArrayBuffer;
  readonly limits: HandshakeLimits;
  readonly accessLog: boolean;
  /** The process drains already: as after `drain`. */
  readonly draining: boolean;
  readonly port: MessagePort;
}

export const FAULTS = ['throw', 'exit', 'oom', 'hang'] as const;
export type Fault = (typeof FAULTS)[number];

/** What the requests and connections that are ended have in common. */
export type EndedKind = 'endpoint' | 'route';

export type ToWorker =
  /** Drive the worker's own engine; answered by `ready`. */
  | { readonly type: 'attach' }
  /** Drive a dead worker's engine too; answered by `adopted`. */
  | { readonly type: 'adopt'; readonly engine: EngineIndex }
  /** Let go of an adopted engine; answered by `released`. */
  | { readonly type: 'release'; readonly engine: EngineIndex }
  /** The endpoints of these services are these from now on; answered by `membership-seen`. */
  | {
      readonly type: 'membership';
      readonly revision: number;
      readonly services: readonly ServiceEndpoints[];
      /** Names of services that no configuration of a worker has any more. */
      readonly gone: readonly string[];
    }
  /**
   * This configuration, these ports by tag, from now on; answered by `snapshot-seen`. Messages keep their order: the
   * `membership` that belongs to it has come before, and names the endpoints of services of both configurations.
   */
  | {
      readonly type: 'snapshot';
      readonly revision: number;
      readonly snapshot: SharedArrayBuffer;
      readonly ports: readonly BoundPort[];
      readonly contexts: BackendContexts;
      /** What plain requests to backends over TLS trust and show. */
      readonly material: BackendMaterial;
    }
  /** Connections of the stream path are kept for no other request: the process drains. */
  | { readonly type: 'drain' }
  /**
   * Plain requests that are under way to this endpoint (its slot), or of this route (its owner), end, each at a moment of
   * its own within `windowMs`, the first after `afterMs`. The engines have the same order for spliced connections.
   */
  | {
      readonly type: 'end';
      readonly of: EndedKind;
      readonly number: number;
      readonly reason: string;
      readonly afterMs: number;
      readonly windowMs: number;
    }
  /** They go on: no order stands for the number. */
  | { readonly type: 'keep'; readonly of: EndedKind; readonly number: number }
  /** Let go of everything and end the task. */
  | { readonly type: 'stop' }
  | { readonly type: 'fault'; readonly fault: Fault };

export type ToPrimary =
  | { readonly type: 'booted' }
  | { readonly type: 'ready' }
  /** `error` is empty when it worked. */
  | { readonly type: 'adopted'; readonly engine: EngineIndex; readonly error: string }
  | { readonly type: 'released'; readonly engine: EngineIndex }
  /** The worker chooses by this revision of the membership, or a later one: no slot that it removed is chosen any more. */
  | { readonly type: 'membership-seen'; readonly revision: number }
  /** The worker routes by this revision of the configuration, or a later one. */
  | { readonly type: 'snapshot-seen'; readonly revision: number }
  | { readonly type: 'log'; readonly level: 'warn' | 'error'; readonly message: string; readonly detail: LogDetail };

/** Members of a log line. */
export type LogDetail = Readonly<Record<string, string | number | boolean>>;
