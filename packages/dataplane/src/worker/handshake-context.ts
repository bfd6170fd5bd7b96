/**
 * What handshakes are decided by. Worker thread.
 *
 * Invariant: what depends on the configuration is one value (`Configuration`), replaced as a whole; an index into a
 * snapshot is only ever used with the configuration that it was found in. The rest is fixed while the worker lives.
 */

import type { StatusBoard } from '@sluice/shared/health/board';
import type { BackendMaterial } from '@sluice/shared/snapshot/backend-material';
import type { BackendTlsSnapshot } from '@sluice/shared/snapshot/tls';
import { openSnapshot, type SnapshotView } from '@sluice/shared/snapshot/view';
import type { ConnectionId } from '../engine/binding.js';
import type { RequestEvent } from '../engine/events.js';
import type { ClientTls } from '../engine/tls-info.js';
import { type Balancer, createBalancer } from '../policy/balancer.js';
import type { EndpointSets } from '../policy/endpoints.js';
import { createRouter, type Router } from '../policy/router.js';
import type { BackendContexts, BoundPort, HandshakeLimits, LogDetail } from './messages.js';
import type { HandshakeMeters } from './meters.js';

/** One configuration, and what was made of it to decide by. A handshake ends by the one that it began with. */
export interface Configuration {
  readonly snapshot: SnapshotView;
  readonly ports: readonly BoundPort[];
  readonly router: Router;
  readonly balancer: Balancer;
  /** TLS contexts by service. */
  readonly contexts: ReadonlyMap<number, number>;
  /** What the TLS of plain requests to backends is made of. */
  readonly material: BackendMaterial;
}

export interface HandshakeContext {
  readonly endpoints: EndpointSets;
  readonly board: StatusBoard;
  readonly limits: HandshakeLimits;
  readonly accessLog: boolean;
  /** Nothing is counted without. */
  readonly meters?: HandshakeMeters | undefined;
  /** Where plain requests go; they are refused without. */
  readonly stream?: PlainRequests | undefined;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** Told of an exception while an event was handled. */
  readonly onError: (error: unknown) => void;
  /** Told of an ejection and of a malformed load report. */
  readonly onNotice: (notice: Notice) => void;
}

/** The stream path, as the engine's side knows it. */
export interface PlainRequests {
  /** It takes no other connection now. */
  readonly isFull: boolean;
  /**
   * Takes the connection of this request, which nobody has decided about, and counts it in this metric group. False: there is
   * no descriptor for it, and the client still waits for an answer, or it has left, and `ended` follows.
   */
  take(event: RequestEvent, group: number): boolean;
  /** The engine has ended a connection, with this close reason: the stream path closes its socket if it was its. */
  ended(id: ConnectionId, reason: number): void;
  /** The connection of HTTP/2 that this client of the engine came by; undefined: it came by its own. */
  carrierOf(id: ConnectionId): Carrier | undefined;
}

/** What clients on streams of one connection have in common. */
export interface Carrier {
  readonly tls: ClientTls | null;
}

/** Something that is worth a line in the log, sparingly. */
export interface Notice {
  readonly message: string;
  readonly detail: LogDetail;
}

/** Around the configuration: what a balancer needs beside it. */
export interface ConfigurationParts {
  readonly endpoints: EndpointSets;
  readonly board: StatusBoard;
  /** The worker's index: its balancer's seed. */
  readonly worker: number;
}

/** What a worker is told of a configuration. */
export interface ToldConfiguration {
  /** `encodeSnapshot`. */
  readonly snapshot: SharedArrayBuffer;
  /** By tag. */
  readonly ports: readonly BoundPort[];
  readonly contexts: BackendContexts;
  readonly material: BackendMaterial;
}

/** A configuration out of what a worker is told of it. */
export function openConfiguration(
  { snapshot: buffer, ports, contexts, material }: ToldConfiguration,
  { endpoints, board, worker }: ConfigurationParts,
): Configuration {
  const snapshot = openSnapshot(buffer);
  const balancer = createBalancer({ snapshot, sets: endpoints, board, seed: worker });
  return { snapshot, ports, router: createRouter(snapshot), balancer, contexts: new Map(contexts), material };
}

/** The TLS context that the service is reached with; 0: plain TCP. Throws when there is none though it must have one. */
export function contextOf({ contexts, snapshot }: Configuration, service: number): number {
  const context = contexts.get(service);
  if (context !== undefined) return context;
  const tls = snapshot.service(service)?.tls;
  if (tls === null) return 0;
  throw new Error(`there is no TLS context for service ${snapshot.serviceName(service)}`);
}

/** How plain requests reach the service; null: plain TCP. Throws when the configuration does not have it. */
export function backendTlsOf({ snapshot }: Configuration, service: number): BackendTlsSnapshot | null {
  const found = snapshot.service(service);
  if (found === undefined) throw new Error(`there is no service ${service}`);
  return found.tls;
}

/** Of the services that are reached over TLS. */
export function* backendPolicies({ snapshot, contexts }: Configuration): Iterable<BackendTlsSnapshot> {
  for (const service of contexts.keys()) {
    const tls = snapshot.service(service)?.tls ?? null;
    if (tls !== null) yield tls;
  }
}
